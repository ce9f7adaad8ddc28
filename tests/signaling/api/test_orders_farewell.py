"""An early end by REST (Guangdong 31(2)): one word of each side, by an officer or by the room's terminal."""

import itertools

import pytest

from broker.session.state import State

END = {"article": "END-COMPLETED"}
WORDS = {
    "prison-sup": ("end", END),
    "visitor-sup": ("end", END),
    "visitor-sup-2": ("end", END),
    "p1": ("finished", None),
    "v1": ("finished", None),
}
OF_PRISON, OF_VISITOR = ("prison-sup", "p1"), ("visitor-sup", "v1")


@pytest.fixture
async def live(front):
    return await front.live_visit()


async def say(front, session, caller):
    order, body = WORDS[caller]
    return await front.ask("POST", f"/api/v1/sessions/{session}/{order}", caller, json=body)


async def view(front, session, caller="prison-sup"):
    return (await front.ask("GET", f"/api/v1/sessions/{session}", caller)).data


class TestTwoWords:
    @pytest.mark.parametrize(("first", "second"), list(itertools.product(OF_PRISON, OF_VISITOR)))
    async def test_complete_a_visit(self, front, live, first, second):
        assert (await say(front, live, first)).status == 200
        shown = await view(front, live)
        assert (shown["state"], [word["side"] for word in shown["farewell"]]) == ("live", ["prison"])
        assert (await say(front, live, second)).status == 200
        shown = await view(front, live)
        assert (shown["state"], shown["reason"]["code"], shown["farewell"]) == ("ended", "completed", [])

    @pytest.mark.parametrize(
        ("first", "second"), [("visitor-sup", "visitor-sup-2"), ("visitor-sup", "v1"), ("v1", "v1")]
    )
    async def test_of_one_side_end_nothing(self, front, live, first, second):
        await say(front, live, first)
        assert (await say(front, live, second)).status == 409
        assert front.broker.live(live).session.state is State.LIVE

    async def test_of_which_one_was_taken_back_end_nothing(self, front, live):
        await say(front, live, "p1")
        assert (await front.ask("POST", f"/api/v1/sessions/{live}/go-on", "prison-sup")).status == 200
        await say(front, live, "v1")
        assert front.broker.live(live).session.state is State.LIVE
        back = {"on": False}
        await front.refused("conflict", "POST", f"/api/v1/sessions/{live}/finished", "p1", json=back)
        assert (await front.ask("POST", f"/api/v1/sessions/{live}/finished", "v1", json=back)).status == 200
        await front.refused("forbidden", "POST", f"/api/v1/sessions/{live}/go-on", "v1")

    async def test_rooms_learn_the_sides_and_no_officer(self, front, live):
        await say(front, live, "prison-sup")
        (word,) = (await view(front, live, "v1"))["farewell"]
        assert (word["side"], word["by"]) == ("prison", None)
        (word,) = (await view(front, live))["farewell"]
        assert word["by"]["id"] == "prison-sup" and not word["room"]

    async def test_are_not_given_before_the_visit(self, front):
        session = await front.visit()
        for caller in ("prison-sup", "p1"):
            assert (await say(front, session, caller)).status == 409

    async def test_are_given_by_no_other_site_and_by_no_officer_for_a_room(self, front, live):
        await front.refused("not_found", "POST", f"/api/v1/sessions/{live}/end", "foreign-sup", json=END)
        await front.refused("forbidden", "POST", f"/api/v1/sessions/{live}/finished", "prison-sup")
