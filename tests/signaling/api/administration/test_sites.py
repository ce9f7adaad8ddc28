"""Sites over HTTP: the province's administrators change them, a site's officers see their own."""

import pytest

from broker.control.store.records import SiteKind

SITES = "/api/v1/sites"
NEW = {"id": "third-prison", "kind": "prison", "name": "第三监狱", "policy": "yunnan"}
WHY = {"reason": "搬迁"}


async def ids(front, caller):
    return [site["id"] for site in (await front.ask("GET", SITES, caller)).data["sites"]]


class TestReading:
    @pytest.mark.parametrize("caller", ["admin", "auditor"])
    async def test_the_province_sees_all_sites(self, front, caller):
        assert await ids(front, caller) == ["first-prison", "other-bureau", "panlong", "second-prison"]

    @pytest.mark.parametrize(
        ("caller", "own"), [("prison-admin", "second-prison"), ("foreign-auditor", "other-bureau")]
    )
    async def test_a_site_sees_its_own(self, front, caller, own):
        assert await ids(front, caller) == [own]

    async def test_counts_what_is_in_use(self, front):
        found = {site["id"]: site for site in (await front.ask("GET", SITES, "admin")).data["sites"]}
        first = found["first-prison"]
        assert (first["rooms"], first["terminals"], first["users"]) == (2, 2, 3)

    @pytest.mark.parametrize("caller", ["prison-sup", "clerk", "approver", "procurator", "p1", "booking", "observer"])
    async def test_is_for_administrators_and_auditors(self, front, caller):
        await front.refused("forbidden", "GET", SITES, caller)


class TestAdding:
    async def test_a_site_is_there_at_once_and_its_author_is_journaled(self, front):
        answer = await front.ask("POST", SITES, "admin", json=NEW | {"parent": "panlong"})
        assert answer.status == 201 and answer.data["parent"] == "panlong" and answer.data["rooms"] == 0
        assert (await front.store.site("third-prison")).kind is SiteKind.PRISON
        assert [entry.author for entry in await front.noted("SiteAdded")] == ["user:admin"]

    async def test_twice_is_a_conflict(self, front):
        await front.ask("POST", SITES, "admin", json=NEW)
        await front.refused("conflict", "POST", SITES, "admin", json=NEW)

    async def test_the_rules_of_the_demonstration_are_asked_for_by_name(self, front):
        front.context.settings = front.context.settings.model_copy(update={"demo": True})
        await front.refused("policy_violation", "POST", SITES, "admin", json=NEW | {"policy": "demo"})
        assert (await front.ask("POST", SITES, "admin", json=NEW | {"policy": "demo", "demo": True})).status == 201

    async def test_no_service_but_a_demonstration_takes_its_rules(self, front):
        """It would not start any more: `huijian serve` refuses a store with such a site."""
        await front.refused("policy_violation", "POST", SITES, "admin", json=NEW | {"policy": "demo", "demo": True})

    @pytest.mark.parametrize("policy", ["sichuan", "/etc/passwd", "../config/packs/yunnan.toml"])
    async def test_no_file_of_the_server_is_read_that_is_in_use_nowhere(self, front, policy):
        answer = await front.refused("bad_request", "POST", SITES, "admin", json=NEW | {"policy": policy})
        assert "huijian admin sites add" in answer.data["detail_en"]

    async def test_a_site_over_it_exists(self, front):
        await front.refused("not_found", "POST", SITES, "admin", json=NEW | {"parent": "nowhere"})

    @pytest.mark.parametrize(
        "wrong", [{"id": "Third Prison"}, {"kind": "school"}, {"name": ""}, {"name": "a\u202eb"}, {"extra": 1}]
    )
    async def test_a_wrong_form_is_refused(self, front, wrong):
        answer = await front.ask("POST", SITES, "admin", json=NEW | wrong)
        assert answer.status == 400

    @pytest.mark.parametrize("caller", ["prison-admin", "auditor", "approver"])
    async def test_is_the_provinces(self, front, caller):
        await front.refused("forbidden", "POST", SITES, caller, json=NEW)
        assert [entry.author for entry in await front.noted("AdministrationRefused")] == [f"user:{caller}"]


class TestChanging:
    async def test_a_new_name_shows_at_once(self, front):
        assert await front.context.names.site("panlong") == "盘龙区司法局"
        answer = await front.ask("POST", f"{SITES}/panlong/rename", "admin", json={"name": "盘龙司法局"})
        assert answer.data["name"] == "盘龙司法局" == await front.context.names.site("panlong")

    async def test_a_site_is_put_under_another_and_under_none(self, front):
        path = f"{SITES}/panlong/put-under"
        assert (await front.ask("POST", path, "admin", json={"parent": "other-bureau"})).data[
            "parent"
        ] == "other-bureau"
        assert (await front.ask("POST", path, "admin", json={"parent": None})).data["parent"] is None
        await front.refused("bad_request", "POST", path, "admin", json={"parent": "panlong"})

    @pytest.mark.parametrize("change", ["rename", "put-under", "close", "reopen"])
    async def test_a_sites_own_administrator_changes_no_site(self, front, change):
        body = {"rename": {"name": "新名"}, "put-under": {"parent": None}}.get(change, WHY)
        for site in ("second-prison", "panlong", "nowhere"):
            await front.refused("forbidden", "POST", f"{SITES}/{site}/{change}", "prison-admin", json=body)
        await front.refused("not_found", "POST", f"{SITES}/nowhere/{change}", "admin", json=body)


class TestClosing:
    async def test_waits_for_its_rooms_and_terminals(self, front):
        path = f"{SITES}/second-prison/close"
        assert (await front.refused("conflict", "POST", path, "admin", json=WHY)).data["rooms"] == ["q1"]
        terminal = next(each.id for each in await front.store.terminals() if each.room == "q1")
        await front.store.revoke_terminal(terminal)
        await front.ask("POST", "/api/v1/rooms/q1/close", "admin", json=WHY)
        assert (await front.ask("POST", path, "admin", json=WHY)).data["closed_at"] is not None
        assert [entry.author for entry in await front.noted("SiteClosed")] == ["user:admin"]
        await front.refused("conflict", "POST", path, "admin", json=WHY)

    async def test_a_closed_site_takes_nothing_new_until_it_is_opened(self, front):
        await front.store.add_site("empty", SiteKind.BUREAU, "空局", "yunnan")
        await front.ask("POST", f"{SITES}/empty/close", "admin", json=WHY)
        room = {"id": "e1", "site": "empty", "name": "一室"}
        await front.refused("conflict", "POST", "/api/v1/rooms", "admin", json=room)
        assert (await front.ask("POST", f"{SITES}/empty/reopen", "admin", json=WHY)).data["closed_at"] is None
        assert (await front.ask("POST", "/api/v1/rooms", "admin", json=room)).status == 201

    async def test_a_site_over_others_waits_for_them(self, front):
        await front.store.add_site("city", SiteKind.CITY, "市局", "yunnan")
        await front.store.put_under("panlong", "city")
        answer = await front.refused("conflict", "POST", f"{SITES}/city/close", "admin", json=WHY)
        assert answer.data["sites"] == ["panlong"]
