"""The packs in force over HTTP: hash and version for each site, and what differs from what visits froze."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from broker.control.store.history.tables import visits
from broker.kernel.database import writing
from config.pack_loader import frozen_pack, load_pack
from tests.support.control.fixtures import TEN

PACKS = "/api/v1/packs"
YUNNAN = load_pack("yunnan")


def other_yunnan():
    """The pack of Yunnan with another limit, as an earlier version had it."""
    document = json.loads(YUNNAN.canonical)
    document["hard_limit"]["value"] = 20
    document["pack"]["version"] = "0"
    return frozen_pack(json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


async def frozen(front, policy):
    """Have the index of visits say that one was held under a pack."""
    session = await front.visit()
    await front.context.history.settle()
    async with writing(front.store.engine) as db:
        held = {"pack": policy.sha256, "moment": int(TEN.timestamp())}
        await db.execute(update(visits).where(visits.c.session == session).values(**held))


class TestPacksInForce:
    @pytest.mark.parametrize(("caller", "sites"), [("auditor", 4), ("admin", 4), ("prison-admin", 1)])
    async def test_name_version_hash_and_sites(self, front, caller, sites):
        found = (await front.ask("GET", PACKS, caller)).data["packs"]
        assert [(pack["name"], pack["version"], pack["sha256"]) for pack in found] == [
            ("yunnan", YUNNAN.version, YUNNAN.sha256)
        ]
        assert len(found[0]["sites"]) == sites and found[0]["frozen_first"] is None and found[0]["others"] == []

    async def test_say_since_when_they_are_in_force_and_when_the_first_visit_froze_them(self, front):
        (pack,) = (await front.ask("GET", PACKS, "admin")).data["packs"]
        assert (pack["in_force_since"], pack["frozen_first"]) == (None, None)
        await front.store.keep_in_force(["yunnan", "yunnan", "/gone/own.toml"])
        since = front.clock.now().wall
        front.clock.forward(timedelta(hours=1))
        await frozen(front, YUNNAN)
        (pack,) = (await front.ask("GET", PACKS, "admin")).data["packs"]
        assert datetime.fromisoformat(pack["in_force_since"]) == since
        assert datetime.fromisoformat(pack["frozen_first"]) == TEN and pack["visits"] == 1

    async def test_that_came_back_are_in_force_since_the_last_visit_under_another_text(self, front):
        await front.store.keep_in_force(["yunnan"])
        before = other_yunnan()
        await front.store.keep_pack(before)
        await frozen(front, before)
        (pack,) = (await front.ask("GET", PACKS, "admin")).data["packs"]
        assert [other["version"] for other in pack["others"]] == ["0"]
        assert datetime.fromisoformat(pack["in_force_since"]) == max(TEN, front.clock.now().wall)

    async def test_of_a_new_site_are_in_force_from_then_on(self, front):
        site = {"id": "third-prison", "kind": "prison", "name": "第三监狱", "policy": "guangdong"}
        assert (await front.ask("POST", "/api/v1/sites", "admin", json=site)).status == 201
        found = {pack["name"]: pack for pack in (await front.ask("GET", PACKS, "admin")).data["packs"]}
        assert found["guangdong"]["in_force_since"] is not None

    async def test_one_whose_file_is_gone_says_so(self, front, tmp_path):
        file = tmp_path / "own.toml"
        file.write_text("", "utf-8")
        await front.store.put_under("panlong", None)
        from broker.control.store.tables import sites
        from broker.kernel.database import writing

        async with writing(front.store.engine) as db:
            await db.execute(update(sites).where(sites.c.id == "panlong").values(policy=str(file)))
        found = {pack["name"]: pack for pack in (await front.ask("GET", PACKS, "admin")).data["packs"]}
        assert found["own"]["sha256"] is None and found["own"]["fault"]

    async def test_are_read_as_whole_text_before_any_visit(self, front):
        answer = await front.ask("GET", f"{PACKS}/{YUNNAN.sha256}", "admin")
        assert answer.data["canonical"] == YUNNAN.canonical

    @pytest.mark.parametrize("caller", ["prison-sup", "approver", "booking"])
    async def test_are_listed_for_administrators_and_auditors(self, front, caller):
        await front.refused("forbidden", "GET", PACKS, caller)


class TestDifferences:
    async def test_name_each_rule_with_both_values(self, front):
        before = other_yunnan()
        await front.store.keep_pack(before)
        path = f"{PACKS}/{before.sha256}/differences?to={YUNNAN.sha256}"
        changes = {change["rule"]: change for change in (await front.ask("GET", path, "admin")).data["changes"]}
        assert (changes["hard_limit.value"]["was"], changes["hard_limit.value"]["now"]) == ("20", "30")
        assert set(changes) == {"hard_limit.value", "pack.version"}

    async def test_of_an_unknown_pack_are_not_found(self, front):
        await front.refused("not_found", "GET", f"{PACKS}/{'0' * 64}/differences?to={YUNNAN.sha256}", "admin")
        await front.refused("not_found", "GET", f"{PACKS}/{YUNNAN.sha256}/differences?to={'0' * 64}", "admin")
