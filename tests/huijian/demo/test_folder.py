"""The folder of the demonstration: its own, and never one that holds anything else."""

import asyncio
from pathlib import Path

import pytest

from config.settings import DEMO_MARK, Settings, SettingsError
from huijian.demo.folder import OWN, demo_settings, take_folder
from huijian.instance_lock import only_one
from huijian.options import Options
from huijian.serve import check

ADD = ("admin", "sites", "add", "a", "--kind", "prison", "--name", "n")


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


async def taken(folder):
    settings = demo_settings(Options(data_dir=folder))
    await take_folder(settings)
    return settings


class TestItsPlaces:
    def test_are_its_own_where_none_is_named(self, place):
        settings = demo_settings(Options())
        assert settings.data_dir == place / OWN
        assert settings.archive_dir == place / OWN / "archive"
        assert str(place / OWN) in settings.database_url

    def test_are_all_in_the_folder_that_is_named(self, place, monkeypatch):
        """A settings file of the real service must not lead the demonstration into its database or archive."""
        (place / "huijian.toml").write_text(
            f'archive_dir = "{place}/real"\ndatabase_url = "sqlite+aiosqlite:///{place}/real.sqlite"\n'
            f'run_dir = "{place}/run"\nrelay_port = 50000\n',
            encoding="utf-8",
        )
        for options, data in ((Options(), OWN), (Options(data_dir=Path("mine")), "mine")):
            settings = demo_settings(options)
            assert settings.archive_dir == place / data / "archive" and settings.run_dir == place / data / "run"
            assert "real" not in settings.database_url and settings.relay_port == 0

    def test_follow_the_environment(self, place, monkeypatch):
        monkeypatch.setenv("HUIJIAN_DATA_DIR", str(place / "else"))
        assert demo_settings(Options()).data_dir == place / "else"


class TestAnotherFolder:
    def test_a_real_one_is_refused_before_anything_is_written(self, huijian, place):
        assert huijian(*ADD, "--policy", "yunnan").code == 0
        before = files(place)
        answer = huijian("--data-dir", "data", "demo")
        assert answer.code == 2 and "not made by the demonstration" in answer.err and "演示" in answer.err
        assert files(place) == before

    @pytest.mark.parametrize("content", ["notes.txt", "archive/.keys/a.pem", "huijian.sqlite"])
    async def test_anything_that_is_not_from_a_demonstration_keeps_it_out(self, place, content):
        (place / "data" / content).parent.mkdir(parents=True)
        (place / "data" / content).write_bytes(b"")
        before = files(place)
        with pytest.raises(SettingsError, match="not made by the demonstration"):
            await taken(place / "data")
        assert files(place) == before

    async def test_a_link_to_a_real_one_is_the_real_one(self, place):
        (place / "real" / "archive").mkdir(parents=True)
        (place / "link").symlink_to(place / "real")
        with pytest.raises(SettingsError, match="not made"):
            await taken(place / "link")

    async def test_a_file_is_none(self, place):
        (place / "data").write_bytes(b"")
        with pytest.raises(SettingsError, match="data"):
            await taken(place / "data")

    async def test_one_that_cannot_be_written_is_named(self):
        with pytest.raises(SettingsError, match="cannot create"):
            await taken(Path("/proc/huijian-demo"))


class TestItsOwnFolder:
    @pytest.mark.parametrize("made", ["nothing", "an empty folder", "half of one"])
    async def test_is_a_new_an_empty_or_a_half_made_one(self, place, made):
        if made != "nothing":
            (place / "data").mkdir()
        if made == "half of one":
            (place / "data" / DEMO_MARK).touch()
            (place / "data" / "run").mkdir()
        await taken(place / "data")
        await taken(place / "data")
        assert (place / "data" / DEMO_MARK).is_file()

    async def test_a_site_of_the_demonstration_belongs_there(self, huijian, place):
        await taken(place / "data")
        assert (await asyncio.to_thread(huijian, *ADD, "--policy", "demo", "--demo")).code == 0
        await taken(place / "data")

    async def test_a_real_site_in_it_keeps_the_demonstration_out(self, huijian, place):
        await taken(place / "data")
        assert (await asyncio.to_thread(huijian, *ADD, "--policy", "yunnan")).code == 0
        with pytest.raises(SettingsError, match="holds a, a site"):
            await taken(place / "data")

    async def test_serve_names_the_option_also_where_it_is_half_made(self, place):
        await taken(place / "data")
        with pytest.raises(SettingsError, match="--demo, or use another --data-dir"):
            await check(Settings.load(data_dir=place / "data", http_port=0))
        await check(Settings.load(data_dir=place / "data", http_port=0, demo=True))

    async def test_a_demonstration_beside_a_running_one_is_refused(self, huijian, place):
        settings = await taken(place / "data")
        settings.prepare()
        with only_one(settings.data_dir):
            answer = await asyncio.to_thread(huijian, "--data-dir", "data", "demo")
        assert answer.code == 1 and "already" in answer.err
