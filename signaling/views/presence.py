"""Presence as an officer's pages see it: for which sessions the officer counts, why not, and the attention check that
is open (Yunnan 25, 26(3); Guangdong 27)."""

from datetime import timedelta

from broker.kernel.clock import Instant
from broker.kernel.ids import SessionId
from broker.presence.handover import Handover
from broker.presence.presence import PresenceStatus
from broker.presence.quorum import Watcher
from signaling.api.messages.session_view import Words
from signaling.api.messages.socket import Attention, HandoverView, Standing, StandingIn
from signaling.auth.scope import Caller, Role, User
from signaling.views.names import Names
from signaling.views.texts import WHY, text_of


def watcher_of(caller: Caller) -> Watcher | None:
    """Return the watcher that a supervisor of a site is; None for all other callers."""
    if isinstance(caller, User) and caller.role is Role.SUPERVISOR and caller.site is not None:
        return Watcher(caller.id, caller.site)
    return None


def standing_views(status: PresenceStatus, mono: float) -> list[Standing | Attention]:
    """Return the messages about an officer's presence at monotonic second `mono`: where the officer counts and why not,
    and the question that is open."""
    prompt = status.prompt
    sessions = [_standing_in(session, why) for session, why in sorted(status.sessions.items())]
    standing = Standing(sessions=sessions, prompt=prompt.id if prompt else None)
    if prompt is None:
        return [standing]
    left = max(0, round((prompt.due - mono) * 1000))
    return [standing, Attention(id=prompt.id, answer_within_ms=left)]


async def handover_view(handover: Handover, names: Names, now: Instant) -> HandoverView:
    """Return a handover as its two officers see it."""
    left = timedelta(seconds=handover.until - now.mono)
    return HandoverView(
        id=handover.id,
        giver=await names.officer(handover.giver.user),
        taker=await names.officer(handover.taker.user),
        sessions=list(handover.sessions),
        stage=handover.stage.value,
        until=now.wall + left if handover.open else None,
    )


def _standing_in(session: SessionId, why: tuple[str, ...]) -> StandingIn:
    return StandingIn(session=session, counted=not why, why=[_words(code) for code in why])


def _words(code: str) -> Words:
    text = text_of(WHY, str(code))
    return Words(code=str(code), zh=text.zh, en=text.en)
