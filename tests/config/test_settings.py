"""Settings come from a file, the environment and defaults, and paths mean the same everywhere."""

import os

import pytest

from config.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HUIJIAN_")]:
        monkeypatch.delenv(name)
    return tmp_path


class TestSources:
    def test_defaults_are_this_folder_and_loopback(self, place):
        settings = Settings.load()
        assert settings.data_dir == place / "data"
        assert settings.database_url == f"sqlite+aiosqlite:///{place}/data/huijian.sqlite"
        assert settings.archive_dir == place / "data" / "archive"
        assert settings.http_host == "127.0.0.1" and not settings.cookie_secure

    def test_the_environment_beats_the_file_and_the_file_the_default(self, place, monkeypatch):
        (place / "huijian.toml").write_text('http_port = 1000\nlog_level = "debug"\n')
        monkeypatch.setenv("HUIJIAN_HTTP_PORT", "2000")
        settings = Settings.load()
        assert (settings.http_port, settings.log_level) == (2000, "debug")
        assert Settings.load(http_port=3000).http_port == 3000

    def test_a_named_file_is_read_instead_of_the_default_one(self, place):
        (place / "huijian.toml").write_text("http_port = 1000\n")
        (place / "other.toml").write_text("relay_port = 50000\n")
        settings = Settings.load(place / "other.toml")
        assert (settings.http_port, settings.relay_port) == (8470, 50000)

    def test_everything_else_moves_with_the_data(self, place):
        settings = Settings.load(data_dir=place / "far")
        assert settings.run_dir == place / "far" / "run"
        assert str(place / "far") in settings.database_url

    def test_drills_lie_apart_from_visits_and_begin_by_themselves_only_where_a_time_is_set(self, place):
        settings = Settings.load()
        assert settings.drills_dir == place / "data" / "drills" and settings.drill_time == ""
        assert Settings.load(drill_time="07:30").drill_time == "07:30"
        for time in ("7:30", "24:00", "07:60", "07:30 ", "soon"):
            with pytest.raises(SettingsError, match="drill_time"):
                Settings.load(drill_time=time)
        with pytest.raises(SettingsError, match="drills_dir"):
            Settings.load(drills_dir=settings.archive_dir)

    def test_cookies_are_secure_wherever_others_can_reach_the_pages(self):
        assert Settings.load(http_host="0.0.0.0", relay_host="10.0.0.1").cookie_secure

    @pytest.mark.parametrize("relay", [{}, {"relay_host": "::1"}, {"relay_public_addresses": ("127.0.0.1",)}])
    def test_pages_for_others_need_a_relay_that_others_can_reach(self, relay):
        with pytest.raises(SettingsError, match="relay_host"):
            Settings.load(http_host="0.0.0.0", **relay)

    def test_a_trusted_proxy_is_an_address_or_a_network(self):
        assert Settings.load(trusted_proxies=("10.0.0.0/8", "::1")).trusted_proxies == ("10.0.0.0/8", "::1")
        with pytest.raises(SettingsError):
            Settings.load(trusted_proxies=("proxy.example",))


class TestRelayAddresses:
    @pytest.mark.parametrize(
        ("host", "public", "bound"),
        [
            ("127.0.0.1", (), "127.0.0.1"),
            ("0.0.0.0", ("10.20.0.5",), "0.0.0.0"),
            ("::", ("10.20.0.5", "2001:db8::5"), "::"),
            (["10.0.0.1", "fd00::1"], (), "10.0.0.1,fd00::1"),
            ("10.0.0.1,fd00::1", ("192.0.2.1", "2001:db8::5"), "10.0.0.1,fd00::1"),
        ],
    )
    def test_on_one_address_or_several_of_both_families(self, host, public, bound):
        assert Settings.load(relay_host=host, relay_public_addresses=public).relay_host == bound

    def test_a_list_is_read_from_the_file_and_from_the_environment_of_a_child(self, place, monkeypatch):
        (place / "huijian.toml").write_text('relay_host = ["127.0.0.1", "::1"]\n')
        assert Settings.load().relay_host == "127.0.0.1,::1"
        monkeypatch.setenv("HUIJIAN_RELAY_HOST", "127.0.0.1,::1")
        assert Settings.load().relay_host == "127.0.0.1,::1"

    @pytest.mark.parametrize(
        ("host", "public", "why"),
        [
            ("0.0.0.0", (), "must say"),
            ("::", (), "must say"),
            ("relay.example", (), "not an IP address"),
            ("127.0.0.1", ("relay.example",), "not an IP address"),
            ("127.0.0.1,127.0.0.1", (), "twice"),
            ("127.0.0.1", ("0.0.0.0",), "wildcard"),
            ("127.0.0.1", ("2001:db8::5",), "no IPv6"),
            ("::1", ("10.0.0.1",), "no IPv4"),
        ],
    )
    def test_addresses_that_no_kiosk_can_reach_are_refused(self, host, public, why):
        with pytest.raises(SettingsError, match=why):
            Settings.load(relay_host=host, relay_public_addresses=public)

    def test_the_last_worker_needs_a_port_too(self):
        assert Settings.load(relay_port=65534, relay_workers=2).relay_port == 65534
        with pytest.raises(SettingsError, match="no room"):
            Settings.load(relay_port=65535, relay_workers=2)


class TestErrors:
    @pytest.mark.parametrize("text", ["http_prt = 1\n", "http_port = 70000\n", 'log_level = "loud"\n', "x = \n"])
    def test_are_one_line(self, place, text):
        (place / "huijian.toml").write_text(text)
        with pytest.raises(SettingsError) as refusal:
            Settings.load()
        assert "\n" not in str(refusal.value)

    def test_a_named_file_must_exist(self, place):
        with pytest.raises(SettingsError, match=r"none\.toml"):
            Settings.load(place / "none.toml")


class TestUnixSockets:
    """The kernel limits the paths of unix sockets to 107 bytes."""

    def test_a_long_data_folder_gets_a_short_place_that_all_processes_agree_on(self, place):
        deep = place / ("x" * 120)
        first, second = Settings.load(data_dir=deep), Settings.load(data_dir=deep)
        assert first.run_dir == second.run_dir
        assert len(f"{first.run_dir}/recorder-999.sock") <= 107
        assert Settings.load(data_dir=place / ("y" * 120)).run_dir != first.run_dir

    def test_a_long_place_that_was_asked_for_is_refused(self, place):
        with pytest.raises(SettingsError, match="too long"):
            Settings.load(run_dir=place / ("x" * 120))

    def test_folders_are_closed_to_others(self, place):
        settings = Settings.load()
        settings.prepare()
        assert settings.run_dir.stat().st_mode & 0o077 == 0

    def test_a_place_others_can_write_to_is_refused(self, place):
        settings = Settings.load()
        settings.prepare()
        settings.run_dir.chmod(0o777)
        with pytest.raises(SettingsError, match="another user"):
            settings.prepare()
