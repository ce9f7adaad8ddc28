"""The packs in force over HTTP: hash and version for each site, and what differs from what visits froze."""

import json

import pytest

from config.pack_loader import frozen_pack, load_pack

PACKS = "/api/v1/packs"
YUNNAN = load_pack("yunnan")


def other_yunnan():
    """The pack of Yunnan with another limit, as an earlier version had it."""
    document = json.loads(YUNNAN.canonical)
    document["hard_limit"]["value"] = 20
    document["pack"]["version"] = "0"
    return frozen_pack(json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


class TestPacksInForce:
    @pytest.mark.parametrize(("caller", "sites"), [("auditor", 4), ("admin", 4), ("prison-admin", 1)])
    async def test_name_version_hash_and_sites(self, front, caller, sites):
        found = (await front.ask("GET", PACKS, caller)).data["packs"]
        assert [(pack["name"], pack["version"], pack["sha256"]) for pack in found] == [
            ("yunnan", YUNNAN.version, YUNNAN.sha256)
        ]
        assert len(found[0]["sites"]) == sites and found[0]["frozen_first"] is None and found[0]["others"] == []

    async def test_say_when_the_first_visit_froze_them(self, front):
        await front.store.keep_pack(YUNNAN)
        found = (await front.ask("GET", PACKS, "admin")).data["packs"]
        assert found[0]["frozen_first"] is not None

    async def test_one_whose_file_is_gone_says_so(self, front, tmp_path):
        file = tmp_path / "own.toml"
        file.write_text("", "utf-8")
        await front.store.put_under("panlong", None)
        from sqlalchemy import update

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
