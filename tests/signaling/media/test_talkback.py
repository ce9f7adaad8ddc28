"""Talkback (插话): which callers may speak and listen, what a room is shown of it, and what ends it."""

import asyncio
from datetime import timedelta

import pytest

from broker.kernel.ids import Side
from broker.presence.quorum import watcher_of
from broker.session import events as ev
from tests.support.patience import PATIENCE
from tests.support.signaling.front import ANSWER, OFFER
from tests.support.signaling.talk import talking

SDP = {"headers": {"Content-Type": "application/sdp"}, "data": OFFER}


@pytest.fixture
async def session(front):
    """A visit whose rooms meet."""
    return await front.live_visit()


def speak(session, *sides, article="SAY-GUIDE", id=1):
    return {"type": "speak", "id": id, "session": session, "sides": list(sides or ("visitor",)), "article": article}


async def spoken(talk, **message):
    """Speak, and wait until the server reports it."""
    await talk.send(**message)
    await talk.receive("ack")


def speech_of(front, session):
    return front.broker.live(session).session.talkback


async def until(front, true):
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)  # the server notices a closed socket by itself


class TestTheMicrophone:
    async def test_is_for_supervisors_of_the_two_sites(self, front, session):
        for caller, site in (("prison-sup", "first-prison"), ("visitor-sup", "panlong")):
            answer = await front.ask("POST", f"/whip/{session}/voice", caller, **SDP)
            assert (answer.status, await answer.text()) == (201, ANSWER)
            assert front.broker.offers[-1].publisher == f"{caller}@{site}#"
            location = answer.headers["Location"]
            assert location.startswith(f"/whip/{session}/voice/res_")
            assert (await front.ask("DELETE", location, caller)).status == 200
            assert front.broker.dropped[-1] == location.rpartition("/")[2]

    async def test_is_refused_to_other_callers(self, front, session):
        for caller in ("p1", "v1", "auditor", "admin", "clerk", "booking"):
            await front.refused("forbidden", "POST", f"/whip/{session}/voice", caller, **SDP)
        await front.refused("no_slot", "POST", f"/whip/{session}/voice", "foreign-sup", **SDP)
        assert {one.kind for one in await front.noted("WhipRefused")} == {"WhipRefused"}

    async def test_is_taken_by_the_sign_out_of_its_officer(self, front, session):
        answer = await front.ask("POST", f"/whip/{session}/voice", "prison-sup", **SDP)
        await front.ask("POST", "/api/v1/sign-out", "prison-sup")
        assert front.broker.dropped == [answer.headers["Location"].rpartition("/")[2]]

    async def test_is_refused_when_the_visit_is_over(self, front, session):
        front.at(timedelta(minutes=41))
        await front.refused("session_ended", "POST", f"/whip/{session}/voice", "prison-sup", **SDP)


class TestListening:
    async def test_a_room_receives_its_own_talkback(self, front):
        session = await front.visit()
        front.at(timedelta(minutes=-10))
        for room, side in (("p1", Side.PRISON), ("v1", Side.VISITOR)):
            answer = await front.ask("POST", f"/whep/{session}/voice", room, **SDP)
            offer = front.broker.offers[-1]
            assert answer.status == 201 and (offer.side, watcher_of(offer.subscriber)) == (side, None)
            assert (await front.ask("DELETE", answer.headers["Location"], room)).status == 200

    async def test_a_colleague_receives_that_of_all_rooms(self, front, session):
        await front.ask("POST", f"/whep/{session}/voice", "visitor-sup", **SDP)
        (offer,) = front.broker.offers
        assert (offer.side, offer.subscriber) == (None, "visitor-sup@panlong#")

    async def test_is_refused_to_other_sites(self, front, session):
        await front.refused("wrong_room", "POST", f"/whep/{session}/voice", "p2", **SDP)
        await front.refused("no_slot", "POST", f"/whep/{session}/voice", "foreign-sup", **SDP)
        await front.refused("forbidden", "POST", f"/whep/{session}/voice", "auditor", **SDP)

    async def test_does_not_count_as_a_picture(self, front, session):
        first = (await front.ask("POST", f"/whep/{session}/visitor", "p1", **SDP)).headers["Location"]
        await front.ask("POST", f"/whep/{session}/voice", "p1", **SDP)
        assert (await front.ask("DELETE", first, "p1")).status == 200

    async def test_options_say_what_may_be_posted(self, front):
        for path in ("/whip/none/voice", "/whep/none/voice"):
            assert (await front.ask("OPTIONS", path)).headers["Accept-Post"] == "application/sdp"


class TestTheOrder:
    async def test_reaches_the_broker_with_its_code(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await spoken(talk, **speak(session, "visitor", "prison", article="YN-16-6"))
        facts = [fact for fact in front.broker.facts if isinstance(fact, ev.SpeechBegan)]
        assert facts == [ev.SpeechBegan("prison-sup", "first-prison", frozenset(Side), "YN-16-6")]

    @pytest.mark.parametrize("article", ["YN-17-8", "END-COMPLETED", "YN-18", "SAY-NOTHING"])
    async def test_needs_a_code_that_is_answered_with_words(self, front, session, article):
        async with talking(front, "prison-sup") as talk:
            await talk.send(**speak(session, article=article))
            assert (await talk.receive("error")).problem.code == "policy_violation"

    @pytest.mark.parametrize("order", ["hold", "end"])
    async def test_a_code_for_talking_neither_holds_nor_ends(self, front, session, order):
        async with talking(front, "prison-sup") as talk:
            await talk.send(type=order, id=1, session=session, article="SAY-GUIDE")
            assert (await talk.receive("error")).problem.code == "policy_violation"

    @pytest.mark.parametrize("sides", [[], ["prison", "visitor", "prison"], ["corridor"], "visitor"])
    async def test_names_one_room_or_both(self, front, session, sides):
        async with talking(front, "prison-sup") as talk:
            await talk.send(**speak(session) | {"sides": sides})
            assert (await talk.receive("error")).problem.code == "bad_request"

    async def test_is_refused_to_a_room(self, front, session):
        async with talking(front, "p1") as talk:
            await talk.send(**speak(session))
            assert (await talk.receive("error")).problem.code == "forbidden"

    async def test_a_second_speaker_is_refused(self, front, session):
        async with talking(front, "prison-sup") as first, talking(front, "visitor-sup") as other:
            await spoken(first, **speak(session))
            await other.send(**speak(session))
            problem = (await other.receive("error")).problem
            assert (problem.code, problem.model_extra["speaker"]) == ("conflict", "prison-sup")
            await other.send(type="hush", id=2, session=session)
            await other.receive("ack")
            await spoken(other, **speak(session, id=3))
            assert speech_of(front, session).by == "visitor-sup"

    async def test_to_end_it_works_by_rest_too(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await spoken(talk, **speak(session))
            assert (await front.ask("POST", f"/api/v1/sessions/{session}/hush", "prison-sup")).status == 200
            assert speech_of(front, session) is None
            await front.refused("forbidden", "POST", f"/api/v1/sessions/{session}/hush", "p1")


class TestViews:
    async def test_officers_see_speaker_and_rooms_and_a_room_only_that_it_is_spoken_to(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await spoken(talk, **speak(session, "visitor"))
            full, near, far = [
                (await front.ask("GET", f"/api/v1/sessions/{session}", caller)).data["speech"]
                for caller in ("visitor-sup", "p1", "v1")
            ]
        assert full == {"sides": ["visitor"], "by": {"id": "prison-sup", "name": "prison-sup 名"}}
        assert near is None and far == {"sides": ["visitor"], "by": None}

    async def test_a_room_never_learns_that_the_other_is_spoken_to_as_well(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await spoken(talk, **speak(session, "visitor", "prison"))
            data = (await front.ask("GET", f"/api/v1/sessions/{session}", "p1")).data
        assert data["speech"] == {"sides": ["prison"], "by": None}


class TestClosedPage:
    async def test_ends_its_officers_talkback(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await spoken(talk, **speak(session))
        await until(front, lambda: speech_of(front, session) is None)
        assert front.broker.facts[-1] == ev.SpeechEnded("prison-sup", "page gone")

    async def test_of_another_officer_changes_nothing(self, front, session):
        async with talking(front, "prison-sup") as talk:
            await spoken(talk, **speak(session))
            async with talking(front, "prison-sup"), talking(front, "visitor-sup"):
                pass
            await until(front, lambda: front.context.hub.kinds()["user"] == 1)
            assert speech_of(front, session) is not None
