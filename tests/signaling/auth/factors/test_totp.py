"""Codes of authenticator apps: the vectors of RFC 6238, and the drift of a phone's clock."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from signaling.auth.factors import totp

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B
AT = datetime(2026, 3, 2, 1, 0, 0, tzinfo=UTC)


class TestCodes:
    @pytest.mark.parametrize(
        ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
    )
    def test_are_those_of_the_rfc(self, seconds, code):
        at = datetime.fromtimestamp(seconds, UTC)
        assert totp.code_at(SECRET, at) == code and totp.step_of(SECRET, code, at) == seconds // 30

    @pytest.mark.parametrize(("late", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
    def test_of_the_step_before_and_after_fit(self, late, fits):
        code = totp.code_at(SECRET, AT + timedelta(seconds=late))
        assert (totp.step_of(SECRET, code, AT) >= 0) is fits


def test_the_qr_code_names_the_account_and_the_secret():
    address = urlsplit(totp.address_of(SECRET, "li"))
    assert address.scheme == "otpauth" and address.path.endswith(":li")
    assert parse_qs(address.query)["secret"] == [SECRET]


def test_secrets_have_160_bits_and_differ():
    assert len(totp.new_secret()) == 32 and totp.new_secret() != totp.new_secret()
