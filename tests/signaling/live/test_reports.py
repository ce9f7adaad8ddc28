"""Reports on the WebSocket: page reports, answers to attention checks, and what terminals find in their rooms."""

import pytest

from broker.kernel.ids import Side
from broker.presence.presence import Report
from broker.presence.quorum import Watcher
from broker.presence.sight import Flaw
from broker.session import events as ev
from broker.session.parts.alerts import Observed
from tests.support.signaling.talk import talking

PAGE = "k3v9x2m4q7wz"
LI = Watcher("prison-sup", "first-prison")


def observed(session, **found):
    return {"type": "observed", "session": session, "black": False, "frozen": False, "silent": False} | found


def session_of(front):
    (live,) = front.broker.sessions()
    return live.session


@pytest.fixture
async def session(front):
    """A visit whose gate is open."""
    return await front.live_visit()


def presence(session, **changes):
    showing = [{"session": session, "side": "prison"}]
    return {"type": "presence", "page": PAGE, "visible": True, "showing": showing, "duty": [session]} | changes


class TestPageReport:
    async def test_is_taken_for_the_officer_of_the_socket_and_not_answered(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await talk.send(**presence(session))
            await talk.send(type="resume", id=1, session=session)
            assert (await talk.receive()).type == "error"
        report = Report(True, frozenset({(session, Side.PRISON)}), frozenset({session}))
        assert front.broker.page_reports == [(LI, PAGE, report)]

    async def test_names_what_is_wrong_with_pictures_that_are_too_small_or_covered(self, front, session):
        sides = [{"side": "prison", "width": 159, "height": 90}, {"side": "visitor", "width": 640, "seen": 89}]
        async with talking(front, "prison-sup") as talk:
            await talk.send(**presence(session, showing=[{"session": session, **side} for side in sides]))
            await talk.send(type="resume", id=1, session=session)
            assert (await talk.receive()).type == "error"
        flaws = {(session, Side.PRISON): Flaw.TOO_SMALL, (session, Side.VISITOR): Flaw.COVERED}
        assert front.broker.page_reports[0][2].flaws == flaws

    @pytest.mark.parametrize("caller", ["p1", "approver", "admin", "auditor"])
    async def test_is_refused_from_other_callers(self, front, session, caller):
        async with talking(front, caller) as talk:
            await talk.send(**presence(session))
            assert (await talk.receive("error")).problem.code == "forbidden"
        assert front.broker.page_reports == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"page": "short"},
            {"page": "UPPER-CASE-NAME"},
            {"showing": [{"session": "ses_a", "side": "prison"}] * 33},
            {"duty": [f"ses_{n}" for n in range(17)]},
            {"showing": [{"session": "ses_a", "side": "both"}]},
            {"user": "ma-li"},
            {"visible": "yes"},
            {"showing": [{"session": "ses_a", "side": "prison", "seen": 101}]},
            {"showing": [{"session": "ses_a", "side": "prison", "width": -1}]},
        ],
    )
    async def test_has_limits(self, front, session, changes):
        async with talking(front, "prison-sup") as talk:
            await talk.send(**presence(session, **changes))
            assert (await talk.receive("error")).problem.code == "bad_request"
        assert front.broker.page_reports == []


class TestAnswerToAnAttentionCheck:
    async def test_the_answer_to_an_unknown_question_is_refused(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await talk.send(type="attentive", id=3, prompt="att_1")
            refusal = await talk.receive("error")
            assert (refusal.re, refusal.problem.code) == (3, "not_found")


class TestFindingsOfATerminal:
    async def test_are_taken_for_its_own_room_and_not_answered(self, front, session):
        async with talking(front, "v1") as kiosk:
            await kiosk.send(**observed(session, silent=True, heads=3))
            await kiosk.send(type="end", id=1, session=session, article="YN-17-8")
            assert (await kiosk.receive("error")).re == 1
        assert session_of(front).alerts.observed == {Side.VISITOR: Observed(False, False, True, 3)}

    async def test_are_not_written_down_again_when_unchanged(self, front, session):
        async with talking(front, "v1") as kiosk:
            for _ in range(30):
                await kiosk.send(**observed(session, black=True))
            await kiosk.send(type="end", id=1, session=session, article="YN-17-8")
            await kiosk.receive("error")
        assert len([fact for fact in front.broker.facts if isinstance(fact, ev.RoomObserved)]) == 1

    async def test_that_change_all_the_time_are_limited(self, front, session):
        async with talking(front, "v1") as kiosk:
            for number in range(40):
                await kiosk.send(**observed(session, heads=number))
            assert (await kiosk.receive("error")).problem.code == "too_many"
        assert len([fact for fact in front.broker.facts if isinstance(fact, ev.RoomObserved)]) <= 21

    async def test_are_ignored_while_its_room_sends_nothing(self, front, session):
        front.broker.tell(session, ev.RoomMedia(Side.VISITOR, False))
        async with talking(front, "v1") as kiosk:
            await kiosk.send(**observed(session, black=True))
            await kiosk.send(type="end", id=1, session=session, article="YN-17-8")
            await kiosk.receive("error")
        assert session_of(front).alerts.observed == {}

    @pytest.mark.parametrize("caller", ["prison-sup", "admin", "auditor"])
    async def test_are_refused_from_other_callers(self, front, session, caller):
        async with talking(front, caller) as talk:
            await talk.send(**observed(session, black=True))
            assert (await talk.receive("error")).problem.code == "forbidden"

    async def test_are_refused_for_sessions_of_other_rooms(self, front, session):
        async with talking(front, "p1") as talk:
            await talk.send(**observed("ses_other", black=True))
            assert (await talk.receive("error")).problem.code == "not_found"

    @pytest.mark.parametrize(
        "broken", [{"heads": 51}, {"heads": -1}, {"black": "yes"}, {"by": "trm_2"}, {"heads": 1.5}]
    )
    async def test_have_limits(self, front, session, broken):
        async with talking(front, "v1") as kiosk:
            await kiosk.send(**observed(session) | broken)
            assert (await kiosk.receive("error")).problem.code == "bad_request"
