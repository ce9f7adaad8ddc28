"""Talkback (插话): an officer speaks to one room or to both (Yunnan 26(1) and (2): explain, answer). One officer at a
time, always under a code, and only while the recording takes it down."""

from dataclasses import dataclass

from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import Side, SiteId, UserId
from broker.session import events as ev
from broker.session.effects import Effect, Hush, LetSpeak
from broker.session.parts.moment import Moment, Table


@dataclass(frozen=True, slots=True)
class Talkback:
    """A talkback that goes on: the officer, the rooms that hear it and the code. It does not outlive a restart."""

    by: UserId
    site: SiteId
    sides: frozenset[Side]
    article: str


def check(part: Talkback | None, fact: ev.SpeechBegan, recorded: bool) -> None:
    """Raise BadRequest where no room is named, Conflict where another officer speaks or nothing would be recorded."""
    if not fact.sides:
        raise BadRequest("Name the rooms of the talkback.", "请指明插话的会见室。")
    if part is not None and part.by != fact.by:
        raise Conflict(
            "Another officer is speaking; one at a time.", "另一名管理员正在插话，请待其结束。", speaker=part.by
        )
    if not recorded:
        raise Conflict(
            "What is said to a room is recorded, and the recorder is not writing.", "插话须录入录像，目前录像未在写入。"
        )


def _began(part: Talkback | None, fact: ev.SpeechBegan, moment: Moment) -> Talkback:
    """Begin the talkback; the officer who speaks already may change the rooms."""
    return Talkback(fact.by, fact.site, fact.sides, fact.article)


def _ended(part: Talkback | None, fact: ev.SpeechEnded, moment: Moment) -> None:
    """End the talkback, whichever officer of the visit orders it: a closed microphone does no harm."""


FACTS: Table = {ev.SpeechEnded: _ended}
ORDERS: Table = {ev.SpeechBegan: _began}


def effects(before: Talkback | None, after: Talkback | None) -> tuple[Effect, ...]:
    """What the relay has to do when the talkback has changed."""
    if after == before:
        return ()
    return (Hush(),) if after is None else (LetSpeak(after.by, after.site, after.sides),)
