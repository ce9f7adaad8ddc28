"""Sites, rooms and terminals: a terminal belongs to one room, and a room has one terminal (Yunnan 27(1))."""

import pytest

from broker.control.store.records import SiteKind
from broker.control.store.store import Store
from broker.kernel.errors import BadRequest, Conflict, NotFound


class TestSitesAndRooms:
    async def test_are_found_again_by_another_process_without_a_restart(self, places, url):
        async with Store(url) as server:
            assert {site.id for site in await server.sites()} == {"first-prison", "panlong"}
            await places.add_room("p3", "first-prison", "三室")  # an admin command meanwhile
            assert (await server.room("p3")).name == "三室"

    async def test_rooms_can_be_listed_by_site(self, places):
        assert [room.id for room in await places.rooms("panlong")] == ["v1", "v2"]
        assert len(await places.rooms()) == 4

    @pytest.mark.parametrize("id", ["", "-a", "A", "a b", "监狱", "a" * 64, "a/b", "a\n"])
    async def test_ids_that_do_not_fit_into_addresses_are_refused(self, store, id):
        with pytest.raises(BadRequest):
            await store.add_site(id, SiteKind.PRISON, "名称", "yunnan")

    async def test_a_site_follows_a_pack_that_exists(self, store):
        with pytest.raises(BadRequest, match="guangdong, yunnan"):
            await store.add_site("a", SiteKind.PRISON, "名称", "sichuan")

    async def test_an_id_that_is_taken_is_refused(self, places):
        with pytest.raises(Conflict):
            await places.add_site("panlong", SiteKind.BUREAU, "名称", "yunnan")
        with pytest.raises(Conflict):
            await places.add_room("p1", "panlong", "名称")

    async def test_places_that_do_not_exist_are_not_found(self, store):
        for query in (store.site("x"), store.room("x"), store.add_room("r", "x", "名称")):
            with pytest.raises(NotFound):
                await query


class TestTerminals:
    async def test_a_token_leads_to_its_room_and_is_stored_nowhere(self, places, tmp_path):
        token = await places.enrol_terminal("p1")
        terminal = await places.terminal_by_token(token)
        assert (terminal.room, terminal.site) == ("p1", "first-prison")
        secret = token.split("_", 1)[1].encode()
        assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())

    async def test_a_room_has_one_terminal(self, places):
        await places.enrol_terminal("p1")
        with pytest.raises(Conflict):
            await places.enrol_terminal("p1")

    async def test_a_replaced_terminal_is_revoked(self, places):
        old = await places.enrol_terminal("p1")
        new = await places.enrol_terminal("p1", replace=True)
        assert await places.terminal_by_token(old) is None
        assert await places.terminal_by_token(new) is not None
        assert len(await places.terminals()) == 2

    async def test_a_revoked_terminal_is_refused_and_its_room_is_free(self, places):
        token = await places.enrol_terminal("p1")
        terminal = await places.terminal_by_token(token)
        await places.revoke_terminal(terminal.id)
        assert await places.terminal_by_token(token) is None
        await places.enrol_terminal("p1")
        with pytest.raises(NotFound):
            await places.revoke_terminal(terminal.id)

    @pytest.mark.parametrize("token", ["", "trm_", "trm_x", "\ud800", "a" * 100_000])
    async def test_garbage_is_no_token(self, places, token):
        assert await places.terminal_by_token(token) is None

    async def test_a_room_that_does_not_exist_enrols_no_terminal(self, store):
        with pytest.raises(NotFound):
            await store.enrol_terminal("nowhere")


class TestHierarchyOfSites:
    async def test_a_city_is_over_its_bureaus_and_the_province_over_both(self, places):
        await places.add_site("province", SiteKind.PROVINCE, "省司法厅", "yunnan")
        await places.add_site("city", SiteKind.CITY, "市司法局", "yunnan", "province")
        await places.put_under("panlong", "city")
        assert await places.sites_below("province") == {"province", "city", "panlong"}
        assert await places.sites_below("city") == {"city", "panlong"}
        assert await places.sites_below("first-prison") == {"first-prison"}
        assert (await places.site("panlong")).parent == "city"

    async def test_a_circle_and_an_unknown_site_are_refused(self, places):
        await places.add_site("city", SiteKind.CITY, "市司法局", "yunnan")
        await places.put_under("panlong", "city")
        for parent in ("panlong", "city"):
            with pytest.raises(BadRequest):
                await places.put_under("city", parent)
        with pytest.raises(BadRequest):
            await places.put_under("city", "panlong")
        with pytest.raises(NotFound):
            await places.put_under("panlong", "nowhere")
        with pytest.raises(NotFound):
            await places.put_under("nowhere", "city")
