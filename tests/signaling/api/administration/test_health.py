"""The health of the service in words: each part with what to do, the worst first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.statistics import Worker
from broker.kernel.clock import in_shanghai
from recorder.evidence.signing import installed
from recorder.evidence.site_chain import open_chain
from recorder.viewcopy.queue import ATTEMPTS
from recorder.witness.statements import line_of
from signaling.api.administration import health_parts
from tests.support.control.fixtures import TEN
from tests.support.signaling.exports import recorded_visit, requested

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

    async def test_names_ingress_and_how_long_the_certificate_is_valid(self, front):
        assert (await parts(front))["ingress"]["level"] == "attention"
        front.context.ingress.update({"now_open": 7, "refused_slow": 2, "refused_unknown": 3})
        found = await parts(front)
        assert found["ingress"]["level"] == "good" and "7" in found["ingress"]["state_zh"]
        assert "5" in found["ingress"]["state_en"] and found["tls"]["level"] == "good"

    async def test_counts_view_copies_and_exports_of_the_own_site(self, front):
        session = await recorded_visit(front)
        front.tokens["auditor"] = await front.store.issue_user_token("auditor", timedelta(hours=2000))
        made = await requested(front, session)
        now = front.clock.now().wall
        await front.context.views.want(session, now)
        other = await parts(front, "prison-admin")  # of another prison
        assert other["exports"]["state_en"].startswith("0 wait")
        assert other["view_copies"]["state_en"].startswith("0 are to be made")
        found = await parts(front)
        assert found["exports"]["level"] == "good" and found["exports"]["state_en"].startswith("1 wait")
        assert found["view_copies"]["state_en"].startswith("1 are to be made")
        for _ in range(ATTEMPTS):
            await front.context.views.take(now)
            await front.context.views.failed(session, "broken", now)
        await front.context.exports.decide(made["id"], True, "bai", "", now)
        await front.context.exports.take(now)
        await front.context.exports.failed(made["id"], "film", now)
        found = await parts(front)
        for code in ("exports", "view_copies"):
            assert found[code]["level"] == "attention" and found[code]["todo_zh"], code

    async def test_says_when_sites_have_witnessed_each_other_last_and_misses_a_night(self, front):
        await recorded_visit(front)
        settings = front.context.settings
        assert (await parts(front))["witness"]["state_zh"].endswith("尚未进行过")
        front.tokens["admin"] = await front.store.issue_user_token("admin", timedelta(hours=2000))
        front.at(timedelta(hours=40))
        assert (await parts(front))["witness"]["level"] == "attention"
        signer = installed(settings.keys_dir, settings.archive_dir)
        with open_chain(settings.archive_dir, "first-prison") as chain:
            chain.append(line_of("first-prison", "panlong", f"1:{'0' * 64}", front.clock.now().wall, None), signer)
        found = (await parts(front))["witness"]
        assert found["level"] == "good" and f"{in_shanghai(front.clock.now().wall):%Y-%m-%d %H:%M}" in found["state_zh"]

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


class TestTheCertificate:
    def level(self, expires, **counts):
        return health_parts.tls(True, {"tls_expires": (TEN + expires).timestamp(), **counts}, TEN).level

    def test_is_good_for_a_month_then_for_attention_and_bad_when_it_is_over(self):
        assert self.level(timedelta(days=31)) == "good"
        assert self.level(timedelta(days=29)) == "attention"
        assert self.level(timedelta(0)) == "bad"

    def test_whose_renewal_cannot_be_used_says_so(self):
        assert self.level(timedelta(days=90), tls_refused_pair=1.0) == "attention"

    def test_of_a_process_that_does_not_report_is_for_attention(self):
        assert health_parts.tls(True, {}, TEN).level == "attention"
        assert health_parts.tls(False, {}, TEN).level == "good"
