"""Admission of terminals: which of them may connect to a session, for which side and when. Pure.

Yunnan 27(1): never outside the room. Guangdong 35: never without an approved slot."""

from broker.kernel.clock import Instant, in_shanghai
from broker.kernel.errors import SecondSide, SessionEnded, TooEarly
from broker.kernel.ids import RoomId, Side
from broker.session.state import Session, State
from config.policy import Policy


def admit(session: Session, now: Instant, policy: Policy) -> None:
    """Raise TooEarly or SessionEnded unless the session takes connections at this moment."""
    if session.state is State.ENDED:
        raise SessionEnded("The session has ended.", "会见已结束，不再接受连接。")
    if session.state is State.SCHEDULED:
        opens = session.slot.starts_at - policy.check_in_lead
        text = f"{in_shanghai(opens):%H:%M}"
        raise TooEarly(
            f"Check-in opens at {text} (Asia/Shanghai).", f"办理时间 {text} 开始。", opens_at=opens.isoformat()
        )


def side_to_publish(session: Session, room: RoomId) -> Side:
    """The side for which this room's terminal may publish. Raises WrongRoom."""
    return session.slot.side_of_room(room)


def check_far_side(session: Session, room: RoomId, side: Side) -> None:
    """A terminal may watch the far side only. Raises WrongRoom or SecondSide."""
    if session.slot.side_of_room(room) is side:
        raise SecondSide("A terminal can only watch the far side.", "终端只能观看对方画面。")
