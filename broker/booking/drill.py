"""Drills (演练; Yunnan 12, 26(5)): short visits without people, by which an institution tries its two rooms, the line
and the recorder before the day begins. Pure: whose word counts in a drill, and what its slot is.

A drill is watched by synthetic officers, programs that exist while it runs. Each is named after its drill, so that the
core itself can refuse one anywhere else: no account of a person can have such a name, which holds a full stop.
"""

from datetime import datetime, timedelta

from broker.booking.slot import Person, Place, Slot
from broker.kernel.ids import PersonId, SessionId, Side, SlotId, UserId

PREFIX = "drill."
LIMIT = timedelta(seconds=30)
"""How long media may cross in a drill, where the policy's own limit is not shorter."""
WINDOW = timedelta(minutes=4)
"""Length of a drill's slot: check-in, tests, crossing and sealing all fit into it on a slow machine."""
MARGIN = timedelta(minutes=2)
"""Time that is left between the end of a drill's slot and the opening of the next check-in of its rooms."""
NAME = "演练"
"""Name of the invented people and of the synthetic officers."""
ARTICLE = "云南 第十二条、第二十六条（五）"


def officer_id(session: SessionId, number: int) -> UserId:
    """The id of a synthetic officer of a drill's session."""
    return UserId(f"{PREFIX}{session}.{number}")


def drill_of(user: str) -> SessionId | None:
    """The session of the drill whose synthetic officer a user is; None for all others."""
    return SessionId(user.removeprefix(PREFIX).rpartition(".")[0]) if user.startswith(PREFIX) else None


def counts(user: str, session: SessionId, drill: bool) -> bool:
    """Whether an officer can be present at a session: in a `drill` its own synthetic officers and no others, in every
    other visit the officers who are people."""
    return drill_of(user) == (session if drill else None)


def may_act(user: str, slot: Slot) -> bool:
    """Whether an officer may order something in a visit: a synthetic one in its own drill, a person also in a drill,
    which he or she may end."""
    return drill_of(user) in (None, slot.session if slot.drill else None)


def drill_slot(
    id: SlotId, session: SessionId, prison: Place, visitor: Place, policy: str, inmates: bool, now: datetime
) -> Slot:
    """The slot of a drill that begins now. `inmates`: whether the visitor side's site holds those who meet there."""
    return Slot(
        id=id,
        session=session,
        prison=prison,
        visitor=visitor,
        starts_at=now,
        ends_at=now + WINDOW,
        minutes=1,
        people=(
            Person(PersonId("drill-prison"), Side.PRISON, NAME),
            Person(PersonId("drill-visitor"), Side.VISITOR, NAME, detained=inmates),
        ),
        approved_by=NAME,
        article=ARTICLE,
        policy=policy,
        second_approved_by=NAME if inmates else "",
        second_article=ARTICLE if inmates else "",
        drill=True,
    )
