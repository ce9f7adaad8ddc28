"""The health of the service in words: each part with what to do, the worst first."""

from dataclasses import replace

import pytest

from broker.control.statistics import Worker

HEALTH = "/api/v1/health"
RELAY = Worker("relay-0", True, frozenset(), 0.1, 0.0, 0.0, 0, None, None)


async def parts(front, caller="admin"):
    return {part["code"]: part for part in (await front.ask("GET", HEALTH, caller)).data["parts"]}


class TestHealth:
    async def test_without_a_relay_is_bad_and_says_so_first(self, front):
        answer = (await front.ask("GET", HEALTH, "admin")).data
        assert answer["level"] == "bad" and answer["parts"][0]["code"] == "relay"

    async def test_of_what_works_asks_for_nothing(self, front):
        front.broker.numbers = replace(front.broker.numbers, workers=(RELAY,))
        found = await parts(front)
        for code in ("relay", "recorder", "database", "journal", "clock", "witness", "packs", "drills", "accounts"):
            assert (found[code]["level"], found[code]["todo_zh"]) == ("good", ""), code

    async def test_says_what_to_do_about_the_rest(self, front):
        front.broker.numbers = replace(front.broker.numbers, recorder=False, storage=False)
        found = await parts(front)
        for code in ("recorder", "database"):
            assert found[code]["level"] == "bad" and found[code]["todo_zh"] and found[code]["todo_en"]

    async def test_counts_the_terminals_of_the_own_site(self, front):
        assert "6" in (await parts(front))["terminals"]["state_en"]
        assert "1 of 1" in (await parts(front, "prison-admin"))["terminals"]["state_en"]

    async def test_a_change_of_an_account_that_waits_is_for_attention(self, front):
        body = {"password": "a long enough secret", "user": "shen", "name": "沈", "role": "auditor"}
        await front.ask("POST", "/api/v1/invitations", "admin", json=body)
        assert (await parts(front))["accounts"]["level"] == "attention"

    @pytest.mark.parametrize("caller", ["prison-sup", "clerk", "approver", "p1", "booking", "observer"])
    async def test_is_for_administrators_and_auditors(self, front, caller):
        await front.refused("forbidden", "GET", HEALTH, caller)
