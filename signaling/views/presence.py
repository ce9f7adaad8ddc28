"""What officers' pages say of themselves, and what they are told of how they stand (Yunnan 25, 26(3); Guangdong 27)."""

from typing import TYPE_CHECKING

from broker.kernel.errors import Forbidden
from broker.kernel.ids import SessionId
from broker.presence.presence import Report
from broker.presence.quorum import Watcher
from signaling.api import messages as msg
from signaling.auth.scope import Role, User, Who
from signaling.views.texts import WHY, text_of

if TYPE_CHECKING:
    from signaling.server.context import Context
    from signaling.server.ports import Broker


def watcher_of(who: Who) -> Watcher | None:
    """The watcher that somebody is; None for everybody but a site's supervisors."""
    if isinstance(who, User) and who.role is Role.SUPERVISOR and who.site is not None:
        return Watcher(who.id, who.site)
    return None


def hear(broker: "Broker", who: Who, said: msg.Presence | msg.Attentive) -> msg.Ack | None:
    """Take a page's word or an officer's answer; only an answer is acknowledged.

    Raises Forbidden for everybody but supervisors, NotFound for an answer to a question that is not open.
    """
    watcher = watcher_of(who)
    if watcher is None:
        raise Forbidden("Only supervisors are counted.", "仅监督人员计入在岗人数。")
    if isinstance(said, msg.Attentive):
        broker.answer(watcher, said.prompt)
        return msg.Ack(re=said.id)
    showing = frozenset((SessionId(one.session), one.side) for one in said.showing)
    duty = frozenset(SessionId(session) for session in said.duty)
    broker.page_says(watcher, said.page, Report(said.visible, showing, duty))
    return None


def standing_of(house: "Context", watcher: Watcher) -> list[msg.Standing | msg.Attention]:
    """What an officer is told of how they stand: where they count and why not, and the question that is open."""
    standing = house.broker.standing(watcher)
    prompt = standing.prompt
    sessions = [
        msg.StandingIn(session=session, counted=not why, why=[_words(code) for code in why])
        for session, why in sorted(standing.sessions.items())
    ]
    told: list[msg.Standing | msg.Attention] = [msg.Standing(sessions=sessions, prompt=prompt.id if prompt else None)]
    if prompt is not None:
        left = max(0, round((prompt.due - house.mono()) * 1000))
        told.append(msg.Attention(id=prompt.id, answer_within_ms=left))
    return told


def _words(code: str) -> msg.Words:
    text = text_of(WHY, str(code))
    return msg.Words(code=str(code), zh=text.zh, en=text.en)
