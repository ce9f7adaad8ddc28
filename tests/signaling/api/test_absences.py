"""Absences over REST (Yunnan 10, Guangdong 23): noted by the check-in, decided by officers of the visitors' site."""

from datetime import timedelta

import pytest

PATH = "/api/v1/absences"
WORDS = {"reason": "电话无人接听，未说明原因"}


@pytest.fixture
async def missed(front):
    """Return the path of the absence of a visit to which no visitor came."""
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    front.at(timedelta(minutes=15))
    await front.broker.save(session)
    return f"{PATH}/abs_{session}"


class TestReading:
    async def test_the_note_says_who_was_not_checked_in_and_takes_nothing(self, front, missed):
        note = (await front.ask("GET", missed, "visitor-sup")).data
        assert (note["state"], note["side"], note["by"], note["decided"]) == ("noted", "visitor", None, [])
        assert [person["name"] for person in note["people"]] == ["欧阳某乙"]
        assert note["mine"] == ["forfeit", "excuse"]
        assert (await front.ask("GET", missed, "prison-sup")).data["mine"] == []

    async def test_no_other_site_and_no_room_sees_it(self, front, missed):
        assert (await front.ask("GET", PATH, "foreign-sup")).data["absences"] == []
        await front.refused("not_found", "GET", missed, "foreign-sup")
        await front.refused("forbidden", "GET", PATH, "v1")

    async def test_the_session_shows_it_to_officers_and_not_to_rooms(self, front, missed):
        path = f"/api/v1/sessions/{missed.rpartition('abs_')[2]}"
        assert (await front.ask("GET", path, "visitor-sup")).data["absence"]["state"] == "noted"
        assert (await front.ask("GET", path, "v1")).data["absence"] is None


class TestDeciding:
    async def test_an_officer_forfeits_and_another_takes_it_back(self, front, missed):
        made = (await front.ask("POST", f"{missed}/forfeit", "visitor-sup", json=WORDS)).data
        assert (made["state"], made["decided"][0]["consequence"]) == ("forfeited", "visit")
        assert (made["decided"][0]["reason"], made["decided"][0]["by"]["id"]) == (WORDS["reason"], "visitor-sup")
        await front.refused("conflict", "POST", f"{missed}/take-back", "visitor-sup", json=WORDS)
        back = await front.ask("POST", f"{missed}/take-back", "visitor-sup-2", json={"reason": "会见人住院"})
        assert back.data["state"] == "taken_back"
        await front.refused("conflict", "POST", f"{missed}/forfeit", "visitor-sup", json=WORDS)

    async def test_an_officer_excuses(self, front, missed):
        assert (await front.ask("POST", f"{missed}/excuse", "visitor-sup", json=WORDS)).data["state"] == "excused"
        await front.refused("conflict", "POST", f"{missed}/forfeit", "visitor-sup", json=WORDS)

    @pytest.mark.parametrize("order", ["forfeit", "excuse"])
    async def test_the_prisons_officers_do_not_decide_about_visitors(self, front, missed, order):
        await front.refused("forbidden", "POST", f"{missed}/{order}", "prison-sup", json=WORDS)

    @pytest.mark.parametrize("order", ["forfeit", "take-back", "excuse"])
    async def test_every_decision_has_its_reason(self, front, missed, order):
        for body in ({}, {"reason": ""}, {"reason": " "}):
            await front.refused("bad_request", "POST", f"{missed}/{order}", "visitor-sup", json=body)

    async def test_terminals_and_programs_decide_nothing(self, front, missed):
        for caller in ("v1", "booking"):
            await front.refused("forbidden", "POST", f"{missed}/forfeit", caller, json=WORDS)
