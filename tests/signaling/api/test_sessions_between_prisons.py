"""A visit between two prisons (Yunnan 7, Guangdong 16) as its officers, rooms and auditors see it: the second side is a
prison with a quorum and an archive of its own, and nothing speaks of a family."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.booking.slot import Place
from broker.control.recorder_client import start_order
from broker.control.store.records import Role
from broker.kernel.film_faults import FilmFault
from broker.kernel.ids import Side
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.parts.check_in import required
from config.check_in import Tick
from recorder.archive.catalog import Catalog
from signaling.api.sessions import told_at_check_in
from tests.support.control.fixtures import TEN
from tests.support.control.making import slot as approved_slot
from tests.support.session_story import GUANGDONG, YUNNAN, at
from tests.support.signaling.front import PASSWORD

SESSIONS, RECORDINGS = "/api/v1/sessions", "/api/v1/recordings"


@pytest.fixture
async def session(front):
    """A live visit between two prisons."""
    slot = approved_slot()
    people = tuple(replace(person, detained=person.side is Side.VISITOR) for person in slot.people)
    approval = {"second_approved_by": "second", "second_article": "云南 第七条"}
    return await front.live_visit(visitor=Place("second-prison", "q1"), people=people, **approval)


def watching(first, second):
    """Watchers, so many officers of each prison."""
    counts = (("first-prison", first), ("second-prison", second))
    return frozenset(Watcher(f"{site}-{number}", site) for site, count in counts for number in range(count))


class TestQuorums:
    @pytest.mark.parametrize(("first", "second", "lacks"), [(3, 1, "visitor"), (1, 3, "prison"), (4, 0, "visitor")])
    async def test_each_prison_needs_its_own_officers(self, front, session, first, second, lacks):
        front.broker.tell(session, ev.WatchersChanged(watching(first, second)))
        shown = (await front.ask("GET", f"{SESSIONS}/{session}", "prison-sup")).data
        assert (shown["state"], shown["reason"]["code"], shown["gate"]) == ("held", "quorum_lost", "shut")
        have = {side: len(shown["quorum"][side]["have"]) for side in ("prison", "visitor")}
        assert have == {"prison": first, "visitor": second}
        short = {side for side in have if have[side] < shown["quorum"][side]["need"]}
        assert short == {lacks}

    async def test_two_of_each_are_enough(self, front, session):
        front.broker.tell(session, ev.WatchersChanged(watching(2, 2)))
        assert (await front.ask("GET", f"{SESSIONS}/{session}", "prison-sup")).data["gate"] == "open"


class TestArchive:
    async def test_auditors_of_either_prison_find_the_recording_and_no_others(self, front, session):
        row = {"session": session, "site": "first-prison", "path": "first-prison/2026/03/02/x", "sha256": "ab" * 32}
        row |= {"bytes": 5, "seconds": [1.0, 1.0, 1.0, 1.0], "packets": 1, "lost": 0, "gaps": [], "state": "archived"}
        row |= {"announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
        await Catalog(front.store.engine).put(row)
        await front.add_user("second-auditor", "审", Role.AUDITOR, PASSWORD, "second-prison")
        second = await front.store.issue_user_token("second-auditor", timedelta(hours=1))
        for caller in ("auditor", second):
            listed = (await front.ask("GET", f"{RECORDINGS}?day=2026-03-02", caller)).data["recordings"]
            assert [each["session"] for each in listed] == [session]
            assert (await front.ask("GET", f"{RECORDINGS}/{session}", caller)).status == 200
        assert (await front.ask("GET", RECORDINGS, "foreign-auditor")).data["recordings"] == []

    async def test_the_manifest_calls_the_second_side_a_prison(self, front, session):
        order = start_order(front.broker.live(session).session, YUNNAN, None, at(0))
        assert [order.sides[side].title for side in Side] == ["prison", "second prison"]


class TestWords:
    async def test_the_view_says_that_both_sides_are_prisons(self, front, session):
        for caller in ("prison-sup", "p1", "q1"):
            assert (await front.ask("GET", f"{SESSIONS}/{session}", caller)).data["between_inmates"] is True

    async def test_a_film_that_could_not_be_watched_is_the_second_prisons(self, front, session):
        front.broker.tell(session, ev.FilmUnusable(Side.VISITOR, FilmFault.NO_KEYFRAME))
        shown = (await front.ask("GET", f"{SESSIONS}/{session}", "prison-sup")).data
        assert shown["reason"]["zh"].startswith("另一方监所") and "Second prison" in shown["reason"]["en"]
        assert "会见人" not in str(shown) and "Visitor side" not in str(shown)

    async def test_yunnans_donts_are_told_to_inmates_too(self, front, session):
        rules = (await front.ask("GET", f"{SESSIONS}/{session}/interventions", "prison-sup")).data
        assert sum(words["notice"] for words in rules["warnings"]) == 10


class TestGuangdongsLetter:
    """The letter is a visitor's; no inmate signs it or is told its points (Guangdong 24)."""

    @pytest.mark.parametrize(("detained", "points"), [(False, 8), (True, 0)])
    def test_is_told_to_a_family_only(self, detained, points):
        people = tuple(
            replace(person, detained=detained and person.side is Side.VISITOR, first_visit=True)
            for person in approved_slot().people
        )
        slot = approved_slot(people=people)
        assert len(told_at_check_in(GUANGDONG, slot)) == points
        ticks = {tick for person in slot.people_of(Side.VISITOR) for tick in required(person, GUANGDONG.check_in)}
        assert (Tick.LETTER in ticks, Tick.PHONE in ticks) == (not detained, not detained)
