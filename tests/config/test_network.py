"""The servers to which a token may be sent, and those to which it may not."""

import pytest

from config.network import NoServer, server_url
from config.settings import Settings, SettingsError
from kiosk_agent.agent import KioskConfig

SAFE = [
    "https://huijian.example",
    "https://huijian.example:8443/",
    "https://10.20.0.5",
    "HTTPS://huijian.example/",
    "https://[2001:db8::5]:443",
    "http://127.0.0.1:8470",
    "http://127.8.9.10",
    "http://[::1]:8470/",
    "http://localhost:8470",
    "http://LOCALHOST",
    "HTTP://127.0.0.1",
]
OPEN = [
    "http://huijian.example",
    "http://10.20.0.5:8470",
    "http://192.168.1.1",
    "http://0.0.0.0:8470",
    "http://[::]:8470",
    "http://[2001:db8::5]",
    "http://[::ffff:10.0.0.1]",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://localhost.",
    "http://kiosk.localhost",
    "http://127.1",
    "http://2130706433",
    "http://0x7f000001",
    "http://0177.0.0.1",
    "HTTP://huijian.example",
    "  http://huijian.example  ",
    "http://１２７.0.0.1",
    "http://localhost\u200b",
    "http://169.254.1.1",
]
OTHERS = [
    "",
    "huijian.example",
    "//huijian.example",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "ws://127.0.0.1",
    "https://",
    "https://[::1",
    "https://x:99999",
    "https://x:y",
    "http://127.0.0.1@huijian.example",
    "http://huijian.example@127.0.0.1",
    "https://user:password@huijian.example",
    "http://127.0.0.1\\@huijian.example",
    "https://huijian.example/?next=x",
    "https://huijian.example/#x",
    "javascript:alert(1)",
]


class TestServersAddress:
    @pytest.mark.parametrize("text", SAFE)
    def test_over_tls_or_on_this_machine_is_taken(self, text):
        assert server_url(text) == text.rstrip("/")

    @pytest.mark.parametrize("text", OPEN)
    def test_over_plain_http_to_another_machine_is_refused_in_both_languages(self, text):
        with pytest.raises(NoServer, match="https://") as refusal:
            server_url(text)
        assert "令牌" in str(refusal.value) and "\n" not in str(refusal.value)

    @pytest.mark.parametrize("text", OTHERS)
    def test_other_texts_are_refused(self, text):
        with pytest.raises(NoServer) as refusal:
            server_url(text)
        assert "password" not in str(refusal.value)

    @pytest.mark.parametrize("text", [*OPEN[:4], *OTHERS[:4]])
    def test_the_program_of_a_room_has_no_other_server(self, text):
        with pytest.raises(NoServer):
            KioskConfig(text, "trm_token")


class TestCookies:
    """An officer's cookie never crosses a network in the clear."""

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.20.0.5", "huijian.example"])
    def test_are_not_sent_in_the_clear_where_other_machines_are_served(self, host):
        with pytest.raises(SettingsError, match="cookie_secure"):
            Settings.load(http_host=host, relay_host="10.0.0.1", cookie_secure=False)
        assert Settings.load(http_host=host, relay_host="10.0.0.1").cookie_secure

    def test_is_always_on_with_a_certificate(self):
        assert Settings.load(tls_certificate="/a.crt", tls_key="/a.key").cookie_secure
        with pytest.raises(SettingsError, match="cookie_secure"):
            Settings.load(tls_certificate="/a.crt", tls_key="/a.key", cookie_secure=False)

    def test_may_be_on_loopback(self):
        assert not Settings.load(cookie_secure=False).cookie_secure
        assert Settings.load(cookie_secure=True).cookie_secure


LAN = {"http_host": "10.0.0.1", "relay_host": "10.0.0.1"}
PAIR = {"tls_certificate": "/a.crt", "tls_key": "/a.key"}


class TestTls:
    @pytest.mark.parametrize("half", PAIR)
    def test_a_certificate_and_its_key_belong_together(self, half):
        with pytest.raises(SettingsError, match="belong together"):
            Settings.load(**{half: PAIR[half]})

    @pytest.mark.parametrize("name", ["http_redirect_port", "local_port"])
    def test_its_ports_are_for_a_service_that_speaks_it(self, name):
        with pytest.raises(SettingsError, match="tls_certificate"):
            Settings.load(**{name: 8080})

    @pytest.mark.parametrize("ports", [{"http_redirect_port": 8470}, {"local_port": 8470}])
    def test_its_ports_differ(self, ports):
        with pytest.raises(SettingsError, match="must differ"):
            Settings.load(**PAIR, **ports)

    def test_a_redirect_needs_a_port_to_lead_to(self):
        with pytest.raises(SettingsError, match="must be set"):
            Settings.load(**PAIR, http_port=0, http_redirect_port=8080)


class TestOtherMachines:
    """Nothing is sent to them in the clear."""

    def test_are_not_served_without_tls(self):
        with pytest.raises(SettingsError, match="tls_proxy"):
            Settings.load(**LAN).check_reachable()

    @pytest.mark.parametrize("way", [PAIR, {"tls_proxy": True}])
    def test_are_served_with_a_certificate_or_behind_a_proxy(self, way):
        Settings.load(**LAN, **way).check_reachable()

    def test_may_not_be_there(self):
        Settings.load().check_reachable()


class TestStrictTransport:
    """Browsers are told to ask by TLS alone (RFC 6797)."""

    def test_is_told_where_other_machines_ask_by_tls(self):
        assert Settings.load(**LAN, **PAIR).hsts_seconds == 365 * 86_400
        assert Settings.load(**LAN, tls_proxy=True, hsts_days=1).hsts_seconds == 86_400

    @pytest.mark.parametrize("why", [{"demo": True}, {"hsts_days": 0}, {"http_host": "127.0.0.1"}])
    def test_is_not_told_in_a_demonstration_or_on_this_machine(self, why):
        assert Settings.load(**{**LAN, **PAIR, **why}).hsts_seconds == 0

    def test_is_not_told_without_tls(self):
        assert Settings.load(**LAN).hsts_seconds == 0
