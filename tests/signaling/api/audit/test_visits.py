"""The history of visits over REST: what auditors find, what they may not, and that each look is journaled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.store.history import search as searching
from broker.control.store.records import Role
from broker.session import events as ev
from broker.session.state import State
from recorder.archive.catalog import Catalog
from tests.support.control.fixtures import TEN
from tests.support.history.recorded import recorded_visit

VISITS = "/api/v1/visits"


async def found(front, query="", caller="auditor"):
    await front.context.history.settle()
    if caller == "auditor":  # tests move the clock by months
        caller = await front.store.issue_user_token("auditor", timedelta(hours=1))
    return (await front.ask("GET", f"{VISITS}{query}", caller)).data


async def searched(front, caller="auditor", **asked):
    await front.context.history.settle()
    return (await front.ask("POST", f"{VISITS}/search", caller, json=asked)).data


def sessions(data):
    return [row["session"] for row in data["visits"]]


async def miss(front, session):
    """Let the time of check-in pass without any visitor."""
    for minutes in (45, 80):
        front.clock.forward(timedelta(minutes=minutes))
        front.broker.tell(session, ev.TimePassed())
    assert front.broker.live(session).session.state is State.ENDED
    await front.broker.save(session)


class TestWhatIsFound:
    async def test_a_visit_is_found_from_its_booking_on(self, front):
        session = await front.visit()
        data = await found(front)
        assert (sessions(data), data["found"], data["more"], data["next"]) == ([session], 1, False, None)
        (row,) = data["visits"]
        assert (row["state"], row["inmate"], row["visitors"]) == ("scheduled", "刘某甲", ["欧阳某乙"])
        assert row["prison"] == {
            "site": "first-prison",
            "site_name": "第一监狱",
            "room": "p1",
            "room_name": "p1 室",
        }
        assert row["recording"] is None and row["relisten"]["state"] == "none"

    async def test_a_cancelled_visit_stays_in_the_history(self, front):
        session = await front.visit()
        await front.broker.cancel_slot((await front.store.slot_of_session(session)).id, "user:clerk")
        (row,) = (await found(front, "?state=cancelled"))["visits"]
        assert (row["session"], row["ending"]["code"], row["ending"]["zh"]) == (session, "cancelled", "会见已取消")

    async def test_a_visit_whose_visitors_did_not_come_is_a_no_show(self, front):
        session = await front.visit()
        await miss(front, session)
        data = await found(front, "?state=no_show")
        assert sessions(data) == [session]
        assert data["visits"][0]["ending"]["code"] == "no_show"

    async def test_sessions_that_the_broker_has_forgotten_are_found_by_what_was_saved(self, front):
        session = await front.visit()
        await miss(front, session)
        del front.broker.lives[session]
        front.context.history.want(session)
        assert (await found(front))["visits"][0]["state"] == "no_show"

    async def test_an_upgraded_installation_gets_its_history(self, front):
        session = await front.visit()
        front.broker.lives.clear()
        front.clock.forward(timedelta(days=2))
        assert await front.context.history.complete(everything=True, pace=0) == 1
        assert [row["state"] for row in (await found(front))["visits"]] == ["ended"]
        assert sessions(await found(front)) == [session]

    async def test_people_are_found_by_parts_of_their_names(self, front):
        session = await front.visit()
        for asked in (
            {"inmate": "刘某"},
            {"inmate": "某甲"},
            {"inmate": "刘"},
            {"visitor": "欧阳"},
            {"inmate": "in-1"},
        ):
            assert sessions(await searched(front, **asked)) == [session], asked
        for asked in ({"inmate": "欧阳"}, {"visitor": "刘某甲"}, {"inmate": "刘甲"}):
            assert sessions(await searched(front, **asked)) == [], asked

    async def test_a_body_takes_all_that_an_address_takes_and_names_stand_in_no_address(self, front):
        session = await front.visit()
        days = {"since": "2026-03-02", "until": "2026-03-02T10:00:01+08:00", "min_seconds": None, "limit": 1}
        assert sessions(await searched(front, inmate="刘", site="panlong", order="oldest", **days)) == [session]
        assert sessions(await searched(front, inmate="刘", since="2026-03-03")) == []
        for name in ("inmate", "visitor"):
            await front.refused("bad_request", "GET", f"{VISITS}?{name}=x", "auditor")
        for wrong in ({"inmate": ""}, {"limit": "5"}, {"x": 1}, {"after": "x"}):
            await front.refused("bad_request", "POST", f"{VISITS}/search", "auditor", json=wrong)

    async def test_a_part_of_too_many_officers_names_is_refused_and_not_cut(self, front, monkeypatch):
        monkeypatch.setattr(searching, "MOST_OFFICERS", 1)
        await front.refused("bad_request", "GET", f"{VISITS}?supervisor=visitor-sup", "auditor")
        assert sessions(await found(front, "?supervisor=foreign-sup")) == []

    async def test_the_archiving_of_a_forgotten_session_reaches_the_history(self, front):
        session, catalog = await recorded_visit(front), Catalog(front.store.engine)
        await catalog.set(session, state="finalizing")
        front.context.history.want(session)
        assert (await found(front))["visits"][0]["state"] == "ended"
        await catalog.set(session, state="archived")
        front.broker.bus.emit("archived", session)
        assert (await found(front))["visits"][0]["state"] == "archived"

    async def test_a_recording_with_a_damaged_manifest_is_found_and_shown(self, front):
        session = await recorded_visit(front)
        (manifest,) = front.context.settings.archive_dir.glob("first-prison/*/*/*/*/manifest.json")
        manifest.chmod(0o600)
        manifest.write_text('{"tracks": [7], "gaps": 7, "started_at": 7}')
        front.context.history.want(session)
        (row,) = (await found(front, "?state=archived"))["visits"]
        assert row["session"] == session
        slot = await front.store.slot_of_session(session)
        visit = await front.context.history._sources.visit(slot, front.clock.now().wall)
        assert visit.state == "archived" and visit.film is None
        detail = (await front.ask("GET", f"{VISITS}/{session}", "auditor")).data
        assert detail["film_seconds"] is None and detail["lanes"]["interventions"]

    async def test_days_and_moments_bound_the_search(self, front):
        session = await front.visit()
        for query in (
            "since=2026-03-02&until=2026-03-02",
            "since=2026-03-02T10:00:00%2B08:00",
            "until=2026-03-02T10:00:01%2B08:00",
            "slot=" + session,
            "room=p1&site=panlong",
        ):
            assert sessions(await found(front, f"?{query}")) == [session], query
        for query in ("since=2026-03-03", "until=2026-03-01", "until=2026-03-02T10:00:00%2B08:00", "room=p2"):
            assert sessions(await found(front, f"?{query}")) == [], query

    async def test_drills_are_no_visits(self, front):
        slot = (await front.store.slot_of_session(await front.visit())).session
        drill = replace(
            await front.store.slot_of_session(slot),
            id="slt_drill",
            session="ses_drill",
            drill=True,
            starts_at=TEN + timedelta(hours=3),
            ends_at=TEN + timedelta(hours=3, minutes=5),
        )
        await front.broker.add_slot(drill, "test")
        assert sessions(await found(front)) == [slot]

    async def test_a_recording_is_shown_with_its_visit(self, front):
        session = await front.visit()
        await front.context.history.settle()
        await archive(front, session)
        (row,) = (await found(front))["visits"]
        assert row["recording"] == {
            "state": "archived",
            "seconds": 1800.2,
            "due_at": None,
            "held": False,
            "poster": False,
            "view": "none",
        }


async def archive(front, session, state="archived"):
    row = {"session": session, "site": "first-prison", "path": "first-prison/2026/03/02/x/session.mp4"}
    row |= {"sha256": "ab" * 32, "bytes": 5, "seconds": [1800.1, 1800.2, 1799.9, 1800.0], "packets": 1, "lost": 0}
    row |= {"gaps": [], "state": state, "announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
    await Catalog(front.store.engine).put(row)


class TestPages:
    async def test_follow_each_other_by_cursors(self, front):
        made = []
        for day in range(5):
            start = TEN + timedelta(days=day)
            made.append(await front.visit(starts_at=start, ends_at=start + timedelta(minutes=40)))
        data = await found(front, "?limit=2&order=oldest")
        assert (sessions(data), data["found"]) == (made[:2], 5)
        data = await found(front, f"?limit=2&order=oldest&after={data['next']}")
        assert sessions(data) == made[2:4]
        data = await found(front, f"?limit=2&order=oldest&after={data['next']}")
        assert (sessions(data), data["next"]) == (made[4:], None)
        assert sessions(await found(front)) == made[::-1]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "after=x", "state=none", "x=1", "room=", "order=up"])
    async def test_what_cannot_be_searched_for_is_refused(self, front, query):
        await front.refused("bad_request", "GET", f"{VISITS}?{query}", "auditor")


class TestAuthority:
    async def test_both_sites_and_the_province_find_it_and_others_do_not(self, front):
        session = await front.visit()
        await front.add_user("visit-auditor", "审", Role.AUDITOR, "a long enough secret", "panlong")
        token = await front.store.issue_user_token("visit-auditor", timedelta(hours=1))
        assert sessions(await found(front, caller=token)) == [session]
        assert sessions(await searched(front, token, inmate="刘")) == [session]
        assert sessions(await searched(front, "foreign-auditor", inmate="刘")) == []
        data = await found(front, caller="foreign-auditor")
        assert (data["visits"], data["found"]) == ([], 0)
        assert sessions(await found(front, "?site=first-prison", "foreign-auditor")) == []

    async def test_other_roles_may_not_search(self, front):
        for caller in ("admin", "prison-sup", "approver", "clerk", "p1", "booking", "observer"):
            await front.refused("forbidden", "GET", VISITS, caller)
            await front.refused("forbidden", "POST", f"{VISITS}/search", caller, json={})
        await front.refused("not_signed_in", "POST", f"{VISITS}/search", json={})
        await front.refused("not_signed_in", "GET", VISITS)

    async def test_each_search_is_journaled_without_what_it_was_for(self, front):
        await front.visit()
        await searched(front, inmate="刘某甲", state="scheduled")
        (entry,) = await front.noted("VisitsSearched")
        assert entry.author == "user:auditor" and '"by":["inmate","state"]' in entry.data and "刘" not in entry.data


class TestNamesAfterThePurge:
    async def test_they_are_not_shown_and_not_found(self, front):
        session = await front.visit()
        await found(front)
        await archive(front, session, "purged")
        (row,) = (await found(front))["visits"]
        assert (row["named"], row["inmate"], row["visitors"]) == (False, None, [])
        front.clock.forward(timedelta(days=200))
        assert await front.context.history.sweep() == 1
        token = await front.store.issue_user_token("auditor", timedelta(hours=1))
        assert sessions(await searched(front, token, inmate="刘")) == []
        assert sessions(await found(front)) == [session]

    async def test_of_a_visit_that_never_ended_they_go_six_months_after_its_slot(self, front):
        session = await front.visit()
        front.broker.lives.clear()
        front.clock.forward(timedelta(days=150))
        front.context.history.want(session)
        (row,) = (await found(front))["visits"]
        assert (row["state"], row["ended_at"], row["named"]) == ("ended", None, True)
        assert await front.context.history.sweep() == 0
        front.clock.forward(timedelta(days=60))
        assert await front.context.history.sweep() == 1
        (row,) = (await found(front))["visits"]
        assert (row["named"], row["inmate"]) == (False, None)

    async def test_without_a_recording_they_go_after_six_months(self, front):
        session = await front.visit()
        await front.broker.cancel_slot((await front.store.slot_of_session(session)).id, "user:clerk")
        await found(front)
        front.clock.forward(timedelta(days=150))
        assert await front.context.history.sweep() == 0
        front.clock.forward(timedelta(days=60))
        assert await front.context.history.sweep() == 1
        assert (await front.store.visit_row(session)).named is False
