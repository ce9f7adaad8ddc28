"""Alerts over REST and WebSocket: what officers see and take, and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import AlertKind
from broker.session.parts.alerts import GRAVE
from tests.support.figures import self_test
from tests.support.signaling.talk import talking

SESSIONS = "/api/v1/sessions"


def observed(session, **found):
    return {"type": "observed", "session": session, "black": False, "frozen": False, "silent": False} | found


def session_of(front):
    (live,) = front.broker.sessions()
    return live.session


def later(front, seconds):
    """Let time pass, and let the sessions take notice."""
    front.clock.forward(timedelta(seconds=seconds))
    for live in front.broker.sessions():
        front.broker.tell(live.session.id, ev.TimePassed())


@pytest.fixture
async def session(front):
    """A visit whose gate is open."""
    return await front.live_visit()


@pytest.fixture
async def black(front, session):
    """A visit in which the visitors' picture has been black for long enough; its path."""
    async with talking(front, "v1") as kiosk:
        await kiosk.send(**observed(session, black=True))
        await kiosk.send(type="self_test", id=1, session=session, **self_test())
        await kiosk.receive("ack")
    later(front, 5)
    return f"{SESSIONS}/{session}"


async def alerts(front, path, caller="prison-sup"):
    return (await front.ask("GET", path, caller)).data["alerts"]


class TestViews:
    async def test_officers_of_both_sites_get_words_and_gravity(self, front, black):
        for caller in ("prison-sup", "visitor-sup"):
            (alert,) = await alerts(front, black, caller)
            assert (alert["id"], alert["kind"], alert["side"], alert["state"]) == ("alt_1", "black", "visitor", "new")
            assert (alert["zh"], alert["grave"], alert["taken_by"]) == ("画面全黑", True, None)

    async def test_rooms_see_no_alerts(self, front, black):
        for caller in ("p1", "v1"):
            assert await alerts(front, black, caller) == []
            await front.refused("forbidden", "GET", f"{black}/alerts", caller)

    async def test_for_officers_of_other_sites_the_visit_does_not_exist(self, front, black):
        await front.refused("not_found", "GET", f"{black}/alerts", "foreign-sup")

    async def test_people_are_counted_in_the_text(self, front, session):
        front.broker.tell(session, ev.RoomObserved(Side.VISITOR, False, False, False, 3, "trm_1"))
        later(front, 20)
        (alert,) = await alerts(front, f"{SESSIONS}/{session}")
        assert (alert["zh"], alert["grave"]) == ("画面中约 3 人，已核验入场 1 人", False)

    async def test_a_page_receives_it_at_once(self, front, session):
        async with talking(front, "prison-sup") as page:
            front.broker.tell(session, ev.QuorumWavers(frozenset({Side.PRISON})))
            view = (await page.receive("session")).session
        assert [one.kind for one in view.alerts] == ["quorum_at_risk"]
        assert AlertKind.QUORUM_AT_RISK in GRAVE and view.alerts[0].en.startswith("The quorum is about to fail")

    async def test_kiosks_learn_whether_the_rules_let_them_count(self, front, session):
        assert (await front.ask("GET", f"{SESSIONS}/{session}", "v1")).data["count_heads"] is True


class TestTakingAndFinishing:
    async def test_it_is_taken_and_finished_with_author_and_time(self, front, black):
        await front.ask("POST", f"{black}/take-alert", "prison-sup", json={"alert": "alt_1"})
        (alert,) = await alerts(front, black, "visitor-sup")
        assert (alert["state"], alert["taken_by"]["id"]) == ("taken", "prison-sup") and alert["taken_at"]
        await front.ask("POST", f"{black}/finish-alert", "visitor-sup", json={"alert": "alt_1"})
        assert await alerts(front, black) == []
        (kept,) = await alerts(front, f"{black}/alerts")
        assert (kept["state"], kept["why"], kept["done_by"]["id"]) == ("done", "officer", "visitor-sup")

    async def test_over_the_socket_too(self, front, black):
        session = session_of(front).id
        async with talking(front, "prison-sup") as page:
            await page.send(type="take_alert", id=1, session=session, alert="alt_1")
            await page.receive("ack")
            await page.send(type="take_alert", id=2, session=session, alert="alt_1")
            refused = await page.receive("error")
        assert (refused.re, refused.problem.code, refused.problem.taken_by) == (2, "conflict", "prison-sup")

    @pytest.mark.parametrize("verb", ["take-alert", "finish-alert"])
    async def test_only_supervisors_of_the_two_sites_may(self, front, black, verb):
        for caller, code in (("foreign-sup", "not_found"), ("admin", "forbidden"), ("p1", "forbidden")):
            await front.refused(code, "POST", f"{black}/{verb}", caller, json={"alert": "alt_1"})
        await front.refused("not_found", "POST", f"{black}/{verb}", "prison-sup", json={"alert": "alt_9"})
        await front.refused("bad_request", "POST", f"{black}/{verb}", "prison-sup", json={"alert": "../x"})
        (alert,) = await alerts(front, black)
        assert alert["state"] == "new"

    async def test_a_finished_alert_is_refused(self, front, black):
        later(front, 1)
        front.broker.tell(session_of(front).id, ev.RoomObserved(Side.VISITOR, False, False, False, None, "trm_1"))
        later(front, 3)
        refused = await front.refused("conflict", "POST", f"{black}/take-alert", "prison-sup", json={"alert": "alt_1"})
        assert refused.data["detail"] == "该提醒已完成。"


async def test_alerts_are_counted_for_prometheus(front):
    front.broker.numbers = replace(front.broker.numbers, alerts={"black": 2})
    text = await (await front.ask("GET", "/metrics", "admin")).text()
    assert 'huijian_alerts_total{kind="black"} 2.0' in text and 'huijian_alerts_total{kind="heads"} 0.0' in text
