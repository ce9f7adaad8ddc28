"""Speaking in (插话): an officer's voice for one room or both (Yunnan 26(1) and (2): explain, answer). One officer at a
time, always under a code, and only while what is said is recorded. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.kernel.clock import Instant
from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import Side, SiteId, UserId
from broker.session import events as ev
from broker.session.events import Effect

if TYPE_CHECKING:
    from broker.session.transitions import Session


@dataclass(frozen=True, slots=True)
class Speech:
    """Who speaks to which rooms, and under which code."""

    by: UserId
    site: SiteId
    sides: frozenset[Side]
    article: str


def begun(session: "Session", fact: ev.SpeechBegan, now: Instant) -> "Session":
    """Somebody is let speak; the same officer may change the rooms. Raises Conflict, or BadRequest for no room."""
    if not fact.sides:
        raise BadRequest("Name the rooms that shall hear it.", "请指明插话的会见室。")
    if session.talkback is not None and session.talkback.by != fact.by:
        raise Conflict(
            "Another officer is speaking; one at a time.",
            "另一名管理员正在插话，请待其结束。",
            speaker=session.talkback.by,
        )
    if not _on_record(session):
        raise Conflict(
            "What is said to a room is recorded, and the recorder is not writing.", "插话须录入录像，目前录像未在写入。"
        )
    return replace(session, talkback=Speech(fact.by, fact.site, fact.sides, fact.article))


def ended(session: "Session", fact: ev.SpeechEnded, now: Instant) -> "Session":
    """Nobody speaks any more; whoever closes an open microphone does no harm, so any officer of the visit may."""
    return replace(session, talkback=None)


def follow(before: "Session", after: "Session") -> tuple["Session", tuple[Effect, ...]]:
    """What a step means for the voice: it stops with the recording, the relay and the session."""
    if after.talkback is not None and not _on_record(after):
        after = replace(after, talkback=None)
    if after.talkback == before.talkback:
        return after, ()
    if after.talkback is None:
        return after, (ev.Hush(),)
    return after, (ev.LetSpeak(after.talkback.by, after.talkback.site, after.talkback.sides),)


def _on_record(session: "Session") -> bool:
    return session.relay and session.begun and session.recorder.writes


SEEN: dict[type, Callable[..., "Session"]] = {ev.SpeechEnded: ended}
ORDERED: dict[type, Callable[..., "Session"]] = {ev.SpeechBegan: begun}
