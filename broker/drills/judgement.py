"""The judgement of a drill: a verdict on each step, from what the service has written down and measured. Moments are
compared with moments: those of the gate are told by the relay, those of the synthetic officers by their program, all on
the monotonic clock of one machine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from broker.drills.result import STEPS, Step, Verdict
from broker.kernel.ids import Side

CUT_WITHIN = 2.0
"""Seconds within which the gate is shut once an officer whom the quorum needs has left (Yunnan 25)."""
END_WITHIN = 0.25
"""Seconds by which the end may come after the limit."""
CROSSED = 5.0
"""Seconds for which media has to cross in all."""


class Noted(NamedTuple):
    """An entry of the journal: its kind, its moment (ISO 8601) and its data."""

    kind: str
    at: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the recordings: free bytes, those that must stay free, bytes a second that were written and synced,
    and those that a visit may need."""

    free: int
    reserve: int
    speed: float
    needed: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a drill at its end.

    `connected`: the rooms whose terminals were connected at the beginning. `moments`: by name, the monotonic seconds of
    what the program did: `three` officers watch, the `fourth` begins, one has `left`, has `returned`. `missing`: codes
    of what the session lacked last. `damages`: what the verifier found, None where there was nothing to verify. `loss`:
    the largest share of packets that may be lost.
    """

    connected: frozenset[Side]
    journal: Sequence[Noted]
    moments: Mapping[str, float]
    limit: timedelta
    loss: float
    missing: str = ""
    damages: tuple[str, ...] | None = None
    disk: Disk | None = None

    def entries(self, kind: str) -> list[Noted]:
        """The entries of a kind, in order."""
        return [entry for entry in self.journal if entry.kind == kind]

    def last(self, kind: str) -> Noted | None:
        """The last entry of a kind, None where there is none."""
        return next(reversed(self.entries(kind)), None)


def judge(evidence: Evidence) -> tuple[Step, ...]:
    """The steps of a drill, each with its verdict."""
    return tuple(_JUDGES[name](evidence) for name in STEPS)


def _step(name: str, holds: bool, at: str = "", figures: Mapping[str, float] | None = None, detail: str = "") -> Step:
    return Step(name, Verdict.PASSED if holds else Verdict.FAILED, at, figures or {}, "" if holds else detail)


def _not_reached(name: str) -> Step:
    return Step(name, Verdict.NOT_REACHED)


def _terminals(evidence: Evidence) -> Step:
    away = " ".join(sorted(set(Side) - evidence.connected))
    began = evidence.last("SlotApproved")
    return _step("terminals", not away, began.at if began else "", {}, away)


def _tests(evidence: Evidence) -> Step:
    """Whether the last equipment test of each room's terminal passed (Yunnan 12)."""
    if evidence.connected != frozenset(Side):
        return _not_reached("tests")
    last = {entry.data["side"]: entry for entry in evidence.entries("SelfTested") if entry.data.get("parts")}
    failed = [
        f"{side}:{check}"
        for side, entry in sorted(last.items())
        for check, verdict in entry.data["parts"].items()
        if verdict == "failed"
    ]
    untested = [str(side) for side in Side if side not in last]
    holds = not untested and all(entry.data["passed"] for entry in last.values())
    at = max((entry.at for entry in last.values()), default="")
    return _step("tests", holds, at, {}, " ".join((*untested, *failed)))


def _gate(evidence: Evidence) -> Step:
    """Whether nothing crossed before the quorum: the relay's first crossing is after the last officer began to
    watch."""
    three, fourth = evidence.moments.get("three"), evidence.moments.get("fourth")
    if three is None or fourth is None:
        return (
            _not_reached("gate")
            if evidence.connected != frozenset(Side)
            else _step("gate", False, "", {}, evidence.missing)
        )
    early = [entry for entry in (*_opened(evidence), *evidence.entries("Crossed")) if entry.data["mono"] < fourth]
    return _step("gate", not early, "", {"seconds": fourth - three, "crossed_early": float(len(early))})


def _opening(evidence: Evidence) -> Step:
    fourth, opened = evidence.moments.get("fourth"), _opened(evidence)
    if fourth is None:
        return _not_reached("opening")
    if not opened:
        return _step("opening", False, "", {}, evidence.missing)
    return _step("opening", True, opened[0].at, {"seconds": opened[0].data["mono"] - fourth})


def _media(evidence: Evidence) -> Step:
    counted = evidence.last("MediaCounted")
    if not _opened(evidence):
        return _not_reached("media")
    crossed = {str(side): _packets(counted, side, "crossed") for side in Side}
    seconds = sum(shut - opened for opened, shut in _open_for(evidence))
    holds = all(crossed.values()) and seconds >= CROSSED
    figures = {f"{side}_packets": float(count) for side, count in crossed.items()} | {"seconds": seconds}
    return _step("media", holds, counted.at if counted else "", figures, evidence.missing)


def _cut(evidence: Evidence) -> Step:
    """Whether the gate was shut in time after an officer had left (Yunnan 25)."""
    left = evidence.moments.get("left")
    if left is None:
        return _not_reached("cut")
    shut = next((entry for entry in evidence.entries("GateShut") if entry.data["mono"] >= left), None)
    returned = evidence.moments.get("returned", float("inf"))
    if shut is None or shut.data["mono"] > returned:
        return _step("cut", False, "", {}, "not_cut")
    late = shut.data["mono"] - left
    return _step("cut", late <= CUT_WITHIN, shut.at, {"seconds": late, "limit": CUT_WITHIN}, "late")


def _resume(evidence: Evidence) -> Step:
    returned = evidence.moments.get("returned")
    if returned is None:
        return _not_reached("resume")
    again = next((entry for entry in _opened(evidence) if entry.data["mono"] > returned), None)
    figures = {} if again is None else {"seconds": again.data["mono"] - returned}
    return _step("resume", again is not None, again.at if again else "", figures, evidence.missing)


def _end(evidence: Evidence) -> Step:
    """Whether the drill ended by its limit, and media with it (Yunnan 14, Guangdong 11)."""
    crossed, shut = evidence.entries("Crossed"), evidence.last("GateShut")
    if not crossed:
        return _not_reached("end")
    ended = next((entry for entry in evidence.entries("StateChanged") if entry.data.get("to") == "ended"), None)
    if ended is None or shut is None:
        return _step("end", False, "", {}, "not_ended")
    first = min(entry.data["mono"] for entry in crossed)
    late = shut.data["mono"] - (first + evidence.limit.total_seconds())
    reason = str(ended.data.get("reason"))
    figures = {"late": late, "limit": evidence.limit.total_seconds()}
    return _step("end", reason == "time_limit" and late <= END_WITHIN, ended.at, figures, reason)


def _recording(evidence: Evidence) -> Step:
    sealed, failed = evidence.last("Archived"), evidence.last("ArchiveFailed")
    if sealed is None:
        begun = bool(evidence.entries("RecorderFlushed")) or failed is not None
        return _step("recording", False, "", {}, "not_sealed") if begun else _not_reached("recording")
    seconds = max(sealed.data.get("seconds") or [0.0])
    figures = {"seconds": seconds, "bytes": float(sealed.data.get("bytes") or 0)}
    return _step("recording", seconds >= CROSSED, sealed.at, figures, "too_short")


def _verify(evidence: Evidence) -> Step:
    if evidence.damages is None:
        return _not_reached("verify")
    return _step("verify", not evidence.damages, "", {}, " ".join(evidence.damages))


def _disk(evidence: Evidence) -> Step:
    disk = evidence.disk
    if disk is None:
        return _not_reached("disk")
    figures = {"free": float(disk.free), "reserve": float(disk.reserve), "bytes_per_second": disk.speed}
    full, slow = disk.free < disk.reserve, disk.speed < disk.needed
    return _step("disk", not (full or slow), "", figures | {"needed": disk.needed}, "full" if full else "slow")


def _line(evidence: Evidence) -> Step:
    """Whether what each room sent arrived, and what the terminals measured of their lines."""
    counted = evidence.last("MediaCounted")
    if counted is None or not any(_packets(counted, side, "packets") for side in Side):
        return _not_reached("line")
    losses = {str(side): _share_lost(counted, side) for side in Side}
    figures = {f"{side}_loss": loss for side, loss in losses.items()} | dict(_round_trips(evidence))
    worst = " ".join(side for side, loss in losses.items() if loss > evidence.loss)
    return _step("line", not worst, counted.at, figures | {"limit": evidence.loss}, worst)


def _round_trips(evidence: Evidence) -> Iterator[tuple[str, float]]:
    for entry in evidence.entries("SelfTested"):
        figures = entry.data.get("figures") or {}
        if "round_trip" in figures:
            yield f"{entry.data['side']}_round_trip_ms", float(figures["round_trip"])


def _opened(evidence: Evidence) -> list[Noted]:
    return evidence.entries("GateOpened")


def _open_for(evidence: Evidence) -> Iterator[tuple[float, float]]:
    """The stretches in which the gate was open, in monotonic seconds."""
    shuts = [entry.data["mono"] for entry in evidence.entries("GateShut")]
    for entry in _opened(evidence):
        opened = entry.data["mono"]
        shut = next((moment for moment in shuts if moment >= opened), None)
        if shut is not None:
            yield opened, shut


def _packets(counted: Noted | None, side: Side, name: str) -> int:
    kinds = (counted.data.get(str(side)) or {}) if counted is not None else {}
    return sum(int(kind.get(name) or 0) for kind in kinds.values())


def _share_lost(counted: Noted, side: Side) -> float:
    packets, lost = _packets(counted, side, "packets"), _packets(counted, side, "lost")
    return lost / (packets + lost) if packets + lost else 1.0


_JUDGES: Mapping[str, Callable[[Evidence], Step]] = {
    "terminals": _terminals,
    "tests": _tests,
    "gate": _gate,
    "opening": _opening,
    "media": _media,
    "cut": _cut,
    "resume": _resume,
    "end": _end,
    "recording": _recording,
    "verify": _verify,
    "disk": _disk,
    "line": _line,
}
