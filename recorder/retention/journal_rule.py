"""The rule of retention for the journal: a pure decision up to which checkpoint its entries may go.

The journal is a part of what is kept of visits (云南 第十三条: at least six months; 广东 第二十七条), and it is the
log of a network service, which the Cybersecurity Law (网络安全法) has kept for six months, too. An entry is kept as
long as the longest pack of any site says, and never less than the installation's own setting. It is personal data as
well, because officers write notes and reasons; so it is not kept for ever.

Its entries are chained. They go from the first one on, and up to a signed checkpoint, which proves the rest. What
stands holds back everything behind it: a visit that is not over, a recording that was not deleted, a legal hold, a
package that was handed over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.kernel.hash_chain import Point
from recorder.retention.rules import LEAST_MONTHS, due_at


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds back the journal: the first entry of something that stands, and what that is: `visit`, `recording`,
    `hold` or `export`."""

    seq: int
    session: str
    why: str


def months_of_journal(packs: Iterable[int], wanted: int) -> int:
    """Return for how many calendar months entries are kept: the longest of what the sites' packs and the installation
    say, at least LEAST_MONTHS."""
    return max(LEAST_MONTHS, wanted, *packs)


def removable(points: Iterable[Point], months: int, now: datetime, holding: Holding | None) -> Point | None:
    """Return the newest checkpoint up to which all entries may go, None where there is none."""
    fit = (point for point in points if _is_due(point, months, now) and (holding is None or point.seq < holding.seq))
    return max(fit, key=lambda point: (point.seq, point.number), default=None)


def first_holding(found: Mapping[str, tuple[int, str] | None]) -> Holding | None:
    """Return what holds back most, of the first entry and its session for each reason."""
    holdings = [Holding(*first, why) for why, first in found.items() if first is not None]
    return min(holdings, key=lambda holding: holding.seq, default=None)


def _is_due(point: Point, months: int, now: datetime) -> bool:
    """Whether every entry up to a checkpoint was kept long enough: they were written before it was signed."""
    return due_at(datetime.fromisoformat(point.at), max(months, LEAST_MONTHS)) <= now
