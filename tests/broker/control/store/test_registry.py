"""Sites and rooms: a room belongs to one site, and a site may be under another one."""

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
