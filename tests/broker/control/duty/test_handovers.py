"""Handovers in the running service: what is journaled and told at each step, and that no quorum has a gap."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.duty.handovers import KEPT
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import HandoverId, Side, SiteId, UserId
from broker.presence.handover import ANSWER, HandoverState
from broker.presence.quorum import Watcher, reached
from tests.broker.control.test_presence_tracker import HE, LI, Duty

WU = Watcher(UserId("wu"), SiteId("first-prison"))
ID = HandoverId("hnd_1")


class Relief(Duty):
    """A visit in which Li and He count, with Wu at a page who watches nothing yet."""

    def __init__(self, clock):
        super().__init__(clock)
        self.steps, self.handovers = [], self.tracker.handovers
        self.tracker._bus.on("handover", lambda handover: self.steps.append(handover.stage))
        self.on_duty(LI, HE)
        self.page(WU)

    def begin(self, id=ID, taker=WU):
        return self.handovers.begin(id, LI, taker, (self.id,))

    @property
    def reached(self):
        session = self.live.session
        return reached(session.processes.watchers, session.slot, Side.PRISON, 2)

    @property
    def journaled(self):
        return [(kind, author) for kind, session, author in self.noted if kind.startswith("Handover")]


@pytest.fixture
def relief(clock):
    return Relief(clock)


def test_a_handover_is_completed_when_the_colleague_counts(relief):
    relief.begin()
    relief.handovers.accept(ID, WU)
    assert relief.steps == [HandoverState.OFFERED, HandoverState.ACCEPTED]
    relief.relay(WU)
    assert relief.steps[-1] is HandoverState.COMPLETED and relief.reached
    relief.relay(LI, on=False)
    assert relief.reached, "the giver has left, and the side is complete all the same"
    assert relief.journaled == [
        ("HandoverBegan", "user:li"),
        ("HandoverAccepted", "user:wu"),
        ("HandoverCompleted", "broker"),
    ]


def test_the_same_request_again_is_the_same_handover(relief):
    assert relief.begin() is relief.begin()
    assert relief.handovers.accept(ID, WU) == relief.handovers.accept(ID, WU)
    with pytest.raises(Conflict):
        relief.begin(taker=HE)
    assert relief.steps == [HandoverState.OFFERED, HandoverState.ACCEPTED]


def test_only_the_two_of_them_may_answer(relief):
    relief.begin()
    for act, officer in (
        (relief.handovers.accept, HE),
        (relief.handovers.decline, LI),
        (relief.handovers.withdraw, WU),
    ):
        with pytest.raises(NotFound):
            act(ID, officer)


def test_declining_and_taking_back_end_it(relief):
    relief.begin()
    relief.handovers.decline(ID, WU)
    relief.begin(HandoverId("hnd_2"))
    relief.handovers.withdraw(HandoverId("hnd_2"), LI)
    assert [kind for kind, _ in relief.journaled][1::2] == ["HandoverDeclined", "HandoverWithdrawn"]
    assert relief.handovers.open() == [] and relief.reached


def test_a_colleague_who_does_not_answer_or_come_changes_nothing(relief):
    relief.begin()
    relief.pass_seconds(int(ANSWER) + 1, LI, HE, WU)
    assert relief.steps[-1] is HandoverState.LAPSED and relief.reached


def test_it_lapses_when_the_colleague_or_the_giver_is_gone(relief):
    relief.begin()
    relief.pass_seconds(12, LI, HE)
    assert relief.steps[-1] is HandoverState.LAPSED and relief.reached
    relief.page(WU)
    relief.begin(HandoverId("hnd_2"))
    relief.clock.forward(timedelta(seconds=12))
    relief.page(WU)
    relief.page(HE)
    relief.tracker.look()
    assert relief.steps[-1] is HandoverState.LAPSED


def test_the_colleagues_are_those_at_a_page_of_the_site(relief):
    relief.page(Watcher(UserId("ma"), SiteId("panlong")))
    assert relief.handovers.colleagues(LI) == {HE: 1, WU: 1}


def test_one_that_is_completed_while_many_others_were_closed_is_still_known(relief):
    relief.begin()
    relief.relay(WU)
    begun = relief.handovers.open()[0]
    for number in range(2 * KEPT):
        other = replace(begun, id=HandoverId(f"hnd_other_{number}"))
        relief.handovers._keep(replace(other, stage=HandoverState.WITHDRAWN), LI)
    assert relief.handovers.accept(ID, WU).stage is HandoverState.COMPLETED


def test_a_visit_that_is_named_twice_is_handed_over_once(relief):
    made = relief.handovers.begin(ID, LI, WU, (relief.id, relief.id))
    assert made.sessions == (relief.id,)
    assert [kind for kind, _ in relief.journaled] == ["HandoverBegan"]
