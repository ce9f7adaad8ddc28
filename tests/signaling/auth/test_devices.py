"""The cookie by which a browser is known to the accounts that have signed in there."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.auth.devices import ACCOUNTS, DAY, DAYS, Devices

NOW = 20_000 * DAY
devices = Devices(b"k" * 32)


class TestKnown:
    def test_a_device_is_known_to_every_account_that_signed_in_there_and_to_no_other(self):
        cookie = devices.issue(devices.issue("", "li", NOW), "he", NOW + DAY)
        id = devices.known(cookie, "li", NOW + DAY)
        assert id and devices.known(cookie, "he", NOW + DAY) == id
        assert devices.known(cookie, "ma", NOW + DAY) == ""

    def test_signing_in_again_adds_nothing(self):
        cookie = devices.issue("", "li", NOW)
        assert devices.issue(cookie, "li", NOW) == cookie

    def test_it_is_known_for_half_a_year_after_the_last_sign_in(self):
        cookie = devices.issue("", "li", NOW)
        assert devices.known(cookie, "li", NOW + DAYS * DAY)
        assert not devices.known(cookie, "li", NOW + (DAYS + 1) * DAY)
        assert not devices.known(cookie, "li", NOW - DAY)
        later = devices.issue(cookie, "li", NOW + DAYS * DAY)
        assert devices.known(later, "li", NOW + (DAYS + 1) * DAY)

    def test_of_many_accounts_the_latest_are_kept(self):
        cookie = ""
        for number in range(20):
            cookie = devices.issue(cookie, f"u{number}", NOW)
        kept = [number for number in range(20) if devices.known(cookie, f"u{number}", NOW)]
        assert kept == list(range(20 - ACCOUNTS, 20)) and len(cookie) < 400

    def test_no_other_installation_and_no_one_else_can_make_one(self):
        cookie = devices.issue("", "li", NOW)
        assert not Devices(b"x" * 32).known(cookie, "li", NOW)
        id, _, proof = cookie.partition(".")
        assert not devices.known(f"{id[::-1]}.{proof}", "li", NOW)
        assert not devices.known(f"{id}.{proof[:-2]}AA", "li", NOW)

    def test_it_names_nobody(self):
        assert "li" not in devices.issue("", "li", NOW).partition(".")[0]
        assert "an-officer" not in devices.issue("", "an-officer", NOW)

    @given(st.text(max_size=60) | st.from_regex(r"[0-9a-f]{16}(\.[0-9a-f]{1,6}~[\w-]{22}){0,9}", fullmatch=True))
    def test_whatever_comes_as_a_cookie_is_no_device_and_breaks_nothing(self, cookie):
        assert devices.known(cookie, "li", NOW) == ""
        assert devices.known(devices.issue(cookie, "li", NOW), "li", NOW)
