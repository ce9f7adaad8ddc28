"""Reconciliation of a session with what is on record now, at take-up and while it runs. Pure.

The rows of the store are the truth, the saved session is a memory: the process may have died between the two, and
commands write rows while no service runs. `due` compares them and returns the facts that make the session agree.

On record now, and not in the session -> what follows:

- Slot cancelled -> the session ends as `cancelled` by the author on record, in every state: gate shut, ports closed,
  the recording finished. No slot, no port (Guangdong 35). A session that had ended already keeps its end.
- Second approval of a visit between inmates -> check-in may open (Yunnan 7, Guangdong 16).
- Extension approved -> taken while its time lasts, else refused on record (Yunnan 14).
- Extension in the session that is refused or not on record -> taken back; the former limit holds again: no longer time
  without an approval (Yunnan 27(3)).
- Suspension or lost month decided -> not READY while it stands, refused when check-in closes; in a visit that has begun
  an alert, and an officer decides (F12; Yunnan 15, 17; Guangdong 19, 23, 25).
- Suspension over or lifted -> READY is possible again: only the bars that stand count.
- Officer barred, or of another site or role -> what they ordered stands, being their office's; another officer of the
  site lifts the hold. Sockets and media end with the sign-in, so that the officer counts no more (Yunnan 25).
- Terminal revoked -> its socket and media end with its token; the room is lost until its new terminal connects
  (Yunnan 27(1)).
- Places, people, minutes and rules of a slot -> never change: a slot is cancelled and posted anew. The session's slot
  is always the row's.

Sites and rooms are never removed. A crash between row and snapshot costs nothing in either order: the row is written
first, and what the snapshot lacks is due again.
"""

from dataclasses import dataclass

from broker.booking.bar import Bar
from broker.booking.slot import Slot
from broker.kernel.ids import ApprovalId
from broker.session import events as ev
from broker.session.events import Fact
from broker.session.state import Session, State


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the store has of one session's visit: the slot as it stands, its withdrawal, the extensions that count
    (None: not asked, because a running service takes them as it stores them), and the bars against its people."""

    slot: Slot
    withdrawn: ev.ApprovalWithdrawn | None = None
    extensions: frozenset[ApprovalId] | None = None
    bars: tuple[Bar, ...] = ()


def due(session: Session, record: OnRecord) -> tuple[Fact, ...]:
    """Return the facts that make the session agree with what is on record, in the order in which they are taken."""
    if session.state is State.ENDED:
        return ()
    if record.withdrawn is not None:
        return (record.withdrawn,)
    facts: list[Fact] = []
    if session.slot.awaits_approval and not record.slot.awaits_approval:
        facts.append(ev.SecondApproval(record.slot.second_approved_by, record.slot.second_article))
    if record.extensions is not None:
        taken_back = [known.id for known in session.extensions if known.id not in record.extensions]
        facts += [ev.ExtensionWithdrawn(id) for id in taken_back]
    if session.bars != record.bars:
        facts.append(ev.EligibilityChanged(record.bars))
    return tuple(facts)
