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

    def test_may_be_on_loopback(self):
        assert not Settings.load(cookie_secure=False).cookie_secure
        assert Settings.load(cookie_secure=True).cookie_secure
