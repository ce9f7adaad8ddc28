"""The addresses of a line test (Yunnan 12): the loop of one terminal, which nothing else gets into."""

from broker.ipc.relay_messages import Publish, Subscribe
from tests.support.signaling.front import ANSWER, OFFER

SDP = {"headers": {"Content-Type": "application/sdp"}, "data": OFFER}


async def begun(front, caller="p1"):
    answer = await front.ask("POST", "/api/v1/line-tests", caller)
    assert answer.status == 201
    return answer.data


class TestALineTest:
    async def test_needs_no_slot_and_takes_the_offers_of_its_terminal(self, front):
        test = await begun(front)
        assert 0 < test["seconds"] < 30
        for path in (test["publish"], test["subscribe"]):
            answer = await front.ask("POST", path, "p1", **SDP)
            assert (answer.status, await answer.text()) == (201, ANSWER)
            assert (await front.ask("DELETE", answer.headers["Location"], "p1")).status == 200
        publish, subscribe = front.broker.offers
        assert isinstance(publish, Publish) and isinstance(subscribe, Subscribe)
        assert publish.session == subscribe.session == test["id"]
        assert publish.side is subscribe.side
        assert not subscribe.gated and subscribe.subscriber.startswith("terminal:")

    async def test_is_not_there_for_another_terminal(self, front):
        test = await begun(front)
        await begun(front, "v1")
        for path in (test["publish"], test["subscribe"]):
            await front.refused("not_found", "POST", path, "v1", **SDP)
        assert front.broker.offers == []

    async def test_is_nothing_that_an_officer_may_hear_or_begin(self, front):
        test = await begun(front)
        for caller in ("prison-sup", "admin"):
            await front.refused("forbidden", "POST", "/api/v1/line-tests", caller)
            for path in (test["publish"], test["subscribe"]):
                await front.refused("forbidden", "POST", path, caller, **SDP)
        for path in ("/whip/{}", "/whep/{}/prison", "/whep/{}/voice", "/whip/{}/voice"):
            caller = "p1" if path == "/whip/{}" else "prison-sup"
            await front.refused("no_slot", "POST", path.format(test["id"]), caller, **SDP)
        assert front.broker.offers == []

    async def test_is_over_when_its_terminal_begins_another(self, front):
        first, second = await begun(front), await begun(front)
        await front.refused("not_found", "POST", first["publish"], "p1", **SDP)
        assert (await front.ask("POST", second["publish"], "p1", **SDP)).status == 201

    async def test_may_not_be_begun_over_and_over(self, front):
        for _ in range(6):
            await begun(front)
        answer = await front.refused("too_many", "POST", "/api/v1/line-tests", "p1")
        assert int(answer.headers["Retry-After"]) > 0
        await begun(front, "v1")
