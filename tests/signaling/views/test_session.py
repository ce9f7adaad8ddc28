"""The view of a session that a room gets: what its screen must show, and no more of persons."""

import json
from datetime import timedelta

import pytest

from broker.booking.bar import Bar, BarKind
from broker.booking.slot import Person
from broker.kernel.ids import ApprovalId, PersonId, Side
from broker.session import events as ev
from tests.support.signaling.front import YUNNAN

FAR = {"p1": Side.VISITOR, "v1": Side.PRISON}
PEOPLE = (
    Person(PersonId("in-77123"), Side.PRISON, "刘某甲", "本人", identity="a" * 64),
    Person(PersonId("kin-88456"), Side.VISITOR, "欧阳某乙", "母亲", identity="b" * 64, first_visit=True),
)
OFFICERS = ("prison-sup", "visitor-sup", "prison-sup-2", "visitor-sup-2", "approver", "li")


async def told(front, session, room):
    """Everything that a room is sent of a session, as text."""
    return json.dumps((await front.ask("GET", f"/api/v1/sessions/{session}", room)).data, ensure_ascii=False)


@pytest.fixture
async def busy(front):
    """A visit with a warning, a mute, a note, a longer time and a hold, each by an officer under an article."""
    session = await front.live_visit(people=PEOPLE)
    post = f"/api/v1/sessions/{session}"
    orders = (
        ("warn", {"sides": ["prison", "visitor"], "article": "YN-16-1", "text": "请注意"}),
        ("mute", {"side": "prison", "on": True, "article": "YN-16-2", "note": "秘密情况"}),
        ("remark", {"text": "秘密情况"}),
    )
    for order, body in orders:
        assert (await front.ask("POST", f"{post}/{order}", "visitor-sup", json=body)).status == 200, order
    front.broker.tell(
        session,
        ev.ExtensionApproved(ApprovalId("ext-991"), session, "approver", "first-prison", "approver",
                             YUNNAN.extension.steps[0], YUNNAN.extension.grounds[0].code, "秘密情况"),
    )  # fmt: skip
    return session


@pytest.mark.parametrize("room", FAR)
class TestARoom:
    async def test_learns_of_no_officer_and_no_article(self, front, busy, room):
        text = await told(front, busy, room)
        for officer in OFFICERS:
            assert f'"{officer}"' not in text and f"{officer} 名" not in text
        assert "YN-" not in text and "云南" not in text and "秘密" not in text and "ext-991" not in text
        assert "请注意" in text  # what the screen shows is there

    async def test_learns_nothing_of_the_far_sides_people(self, front, busy, room):
        far = next(person for person in PEOPLE if person.side is FAR[room])
        text = await told(front, busy, room)
        assert not any(part in text for part in (far.name, far.name[:2], str(far.id), "母亲", far.identity))

    async def test_knows_its_own_people_by_name_and_not_by_id(self, front, busy, room):
        own = next(person for person in PEOPLE if person.side is not FAR[room])
        text = await told(front, busy, room)
        assert own.name in text and str(own.id) not in text and own.identity not in text

    async def test_learns_why_a_visit_stands_and_not_what_officers_noted(self, front, busy, room):
        hold = {"article": "YN-18", "note": "秘密情况"}
        assert (await front.ask("POST", f"/api/v1/sessions/{busy}/hold", "visitor-sup", json=hold)).status == 200
        view = (await front.ask("GET", f"/api/v1/sessions/{busy}", room)).data
        assert view["reason"]["zh"] and view["reason"]["article"] == "YN-18"
        assert "秘密" not in await told(front, busy, room)

    async def test_does_not_learn_that_a_person_may_not_meet(self, front, room):
        session = await front.visit(people=PEOPLE)
        front.at(timedelta(minutes=-10))
        bar = Bar(BarKind.SUSPENDED, PEOPLE[0].id, "云南 第十七条", front.clock.now().wall.date() + timedelta(days=30))
        front.broker.tell(session, ev.EligibilityChanged((bar,)))
        view = (await front.ask("GET", f"/api/v1/sessions/{session}", room)).data
        codes = {one["code"] for one in view["missing"]}
        assert codes and not codes & {"eligibility", "visitor_letter", "interpreter", "second_approval"}
        officer = (await front.ask("GET", f"/api/v1/sessions/{session}", "prison-sup")).data
        assert "eligibility" in {one["code"] for one in officer["missing"]}


async def test_officers_learn_all_of_it(front, busy):
    text = await told(front, busy, "prison-sup")
    for part in ("刘某甲", "欧阳某乙", "in-77123", "kin-88456", "母亲", "YN-16-2", "visitor-sup"):
        assert part in text
