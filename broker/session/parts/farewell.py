"""The farewell (会见完毕): the word of each side that its people have finished. No side ends a visit early alone.

Guangdong 31(2) forbids to shorten a visit at will, so it is complete before its limit only when both sides say so:

| first word | second word | what follows |
|---|---|---|
| an officer or the room of a side | an officer or the room of the other | the visit ends as completed |
| one side | the same side, an officer or the room | refused: one side has one word |
| an officer | the same account for the other side | refused: two words need two people |
| one side, taken back, or older than STANDS | the other side | the second is now the only word; nothing ends |
| before the gate has opened, or under a hold that demands an end | | refused (`broker.session.refusals`) |

A word outlives a restart of the process, and a hold.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table

STANDS = 180.0
"""Seconds for which a word stands: as long as the longest hold. A word of minute five says nothing of minute twenty."""


@dataclass(frozen=True, slots=True)
class Word:
    """The word of one side. `room`: its terminal gave it, else an officer of its site; `article` is empty for a
    terminal. `since` is a monotonic second."""

    by: str
    room: bool
    article: str
    note: str
    at: datetime
    since: float


Farewell = Mapping[Side, Word]
"""The sides that have said that they have finished."""


def to_json(part: Farewell) -> dict[str, Any]:
    """The words as JSON values."""
    return {str(side): {**asdict(word), "at": word.at.isoformat()} for side, word in sorted(part.items())}


def from_json(saved: Mapping[str, Any]) -> Farewell:
    """The words that `to_json` wrote, on the same boot."""
    return {Side(side): Word(**{**word, "at": datetime.fromisoformat(word["at"])}) for side, word in saved.items()}


def standing(part: Farewell, now: Instant) -> Farewell:
    """The words that still count; the same object where all do."""
    kept = {side: word for side, word in part.items() if now.mono < word.since + STANDS}
    return part if len(kept) == len(part) else kept


def agreed(part: Farewell, now: Instant) -> bool:
    """Whether both sides have finished."""
    return len(standing(part, now)) == len(Side)


def last(part: Farewell) -> Word:
    """The word that came last."""
    return max(part.values(), key=lambda word: word.since)


def wakes_at(part: Farewell) -> float | None:
    """When the next word stops counting; None where there is none."""
    return min((word.since + STANDS for word in part.values()), default=None)


def say(part: Farewell, side: Side | None, word: Word, now: Instant) -> Farewell:
    """The farewell with the word of a side. Raises Conflict for a second word of one side or one person."""
    part = standing(part, now)
    if side is None:
        raise Conflict("Another site's officer has no word here.", "只有会见双方单位可以提出会见完毕。")
    if side in part:
        raise Conflict(
            "This side has said so already; the other side has to agree.", "本方已提出会见完毕，须对方确认。"
        )
    if any(other.by == word.by for other in part.values()):
        raise Conflict("The other side's word comes from another person.", "双方的确认不能由同一人作出。")
    return {**part, side: word}


def _finished(part: Farewell, fact: ev.RoomFinished, moment: Moment) -> Farewell:
    word = Word(fact.by, True, "", "", moment.now.wall, moment.now.mono)
    return say(part, fact.side, word, moment.now)


def _withdrawn(part: Farewell, fact: ev.FarewellWithdrawn, moment: Moment) -> Farewell:
    """Take the word of a side back. An officer takes back either word of the own side, a room its own only."""
    word = standing(part, moment.now).get(fact.side)
    if word is None:
        raise Conflict("This side has not said that it has finished.", "本方未提出会见完毕。")
    if fact.site is None and not word.room:
        raise Conflict("An officer's word is taken back by an officer.", "管理员提出的，须由管理员撤回。")
    return {side: other for side, other in part.items() if side is not fact.side}


ORDERS: Table = {ev.RoomFinished: _finished, ev.FarewellWithdrawn: _withdrawn}
"""While the visit goes on, held or not."""
