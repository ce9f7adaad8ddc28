"""What never stands in a line of a log, whatever code puts there."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.control.store.devices.codes import new_code
from broker.control.store.secrets import new_token
from broker.kernel.errors import BadRequest, NoSlot
from broker.kernel.ids import new_id
from config.lines.redaction import HIDDEN, HIDDEN_KEYS, LONGEST, redacted, text_of, value_of
from config.settings import SettingsError

SECRETS = ("usr", "trm", "trs", "key", "obs", "key_secret", "obs_secret", "inv", "drl")
TOKENS = [new_token(prefix) for prefix in SECRETS for _ in range(20)]
AROUND = st.sampled_from(["", " ", "'", '"', "=", ": ", "/", "?token=", "[", "{", "\\n", ",", "(b'", "huijian="])
IDS = [new_id(prefix) for prefix in ("ses", "slt", "trm", "key", "res", "rbk") for _ in range(20)]
NUMBERS = ("110101199003071234", "53010219850101001X", "53010219850101001x", "000000000000000000")


class TestSecrets:
    @given(st.sampled_from(TOKENS), AROUND, AROUND)
    @settings(max_examples=500)
    def test_no_token_is_left_whatever_stands_around_it(self, token, before, after):
        left = text_of(f"GET {before}{token}{after} HTTP/1.1")
        assert token not in left and token[6:20] not in left

    @pytest.mark.parametrize(
        "text",
        [
            "Authorization: Bearer SECRET",
            "authorization=Basic SECRET",
            "b'AUTHORIZATION: SECRET'",
            "Proxy-Authorization: SECRET, SECRET",
            "Cookie: a=1; huijian=SECRET; b=SECRET",
            "set-cookie: huijian=SECRET; Path=/",
            "__Host-huijian=SECRET",
            "huijian=SECRET",
            "__Host-huijian-device=SECRET",
            "a huijian-device=SECRET",
            "bearer  SECRET",
            "postgresql+asyncpg://huijian:SECRET@db.example/huijian",
            "https://SECRET@huijian.example/",
        ],
    )
    def test_credentials_are_known_by_what_stands_before_them(self, text):
        assert "SECRET" not in text_of(text) and HIDDEN in text_of(text)

    @pytest.mark.parametrize("key", sorted(HIDDEN_KEYS))
    def test_some_members_are_never_written(self, key):
        assert redacted({key: "SECRET", key.upper(): "SECRET"}) == {key: HIDDEN, key.upper(): HIDDEN}
        assert redacted({"found": [{key: "SECRET"}]}) == {"found": [{key: HIDDEN}]}

    def test_enrolment_codes(self):
        for _ in range(20):
            code = new_code()
            assert code not in text_of(f"enrol {code}.") and HIDDEN in text_of(code)

    def test_a_token_that_is_cut_off_by_the_limit_is_not_left_in_part(self):
        for length in range(LONGEST - 60, LONGEST + 10):
            token = new_token("usr")
            assert token[4:14] not in text_of("x" * length + " " + token)


class TestPeople:
    @pytest.mark.parametrize("number", NUMBERS)
    def test_identity_numbers(self, number):
        assert number not in text_of(f"a {number}, b") and number not in str(value_of({"a": [number]}))

    def test_an_identity_number_that_is_a_number(self):
        assert value_of(110101199003071234) == HIDDEN and value_of(2**62) == 2**62

    @pytest.mark.parametrize("name", ["刘某甲", "欧阳某乙", "阿依古丽·买买提", "Нурлан"])
    def test_names_of_people_are_not_ascii_and_ids_are(self, name):
        assert not set(name.replace("·", "")) & set(text_of(f"room of {name}!"))

    @pytest.mark.parametrize("text", ["13812345678", "li@example.cn", "li.wang+x@mail.gov.example.cn"])
    def test_how_people_are_reached(self, text):
        assert text not in text_of(f"a {text} b")

    @pytest.mark.parametrize(
        "address",
        ["10.20.0.5", "203.0.113.7", "2001:db8::5", "fe80::1", "::ffff:192.0.2.1", "2001:db8:0:1:2:3:4:5"],
    )
    def test_addresses(self, address):
        for text in (address, f"from {address}", f"('{address}', 443)", f"http://{address}:8470/x".replace("::", "::")):
            if ":" in address and "http" in text:
                text = f"http://[{address}]:8470/x"
            assert address not in text_of(text), text


class TestWhatStays:
    def test_ids(self):
        for id in IDS:
            assert text_of(f"{id} of {id}") == f"{id} of {id}"

    @pytest.mark.parametrize(
        "text",
        [
            "http://127.0.0.1:8470/monitor",
            "http://[::1]:8470/monitor",
            "2026-03-02T10:00:00+08:00",
            "10:00:00",
            "relay-0",
            "first-prison-1",
            "li@first-prison",
            "broker/relay/fanout.py:88",
            "sha-256 AB:CD:EF",
            "version 1.2.3",
            "YN-17-2",
        ],
    )
    def test_places_moments_and_words(self, text):
        assert text_of(text) == text

    @pytest.mark.parametrize("value", [None, True, 0, -5, 2.5, 10**12])
    def test_numbers(self, value):
        assert value_of(value) == value

    def test_moments_and_paths(self):
        assert value_of(datetime(2026, 3, 2, tzinfo=UTC)) == "2026-03-02T00:00:00+00:00"
        assert value_of(Path("/srv/huijian")) == "/srv/huijian"


class Quoting:
    """An object whose text quotes what it holds."""

    def __repr__(self):
        return "SECRET"

    __str__ = __repr__


class TestOtherValues:
    def test_of_an_object_only_its_type_is_left(self):
        assert value_of(Quoting()) == "Quoting"
        assert value_of([Quoting(), b"SECRET"]) == ["Quoting", "bytes"]
        assert "SECRET" not in str(value_of({"a": {"b": {"c": {"d": "SECRET"}}}}))

    @pytest.mark.parametrize(
        ("error", "word"),
        [
            (ValueError("SECRET"), "ValueError"),
            (OSError(13, "Permission denied", "/srv/SECRET"), "PermissionError: Permission denied"),
            (NoSlot("SECRET"), "no_slot"),
            (BadRequest("SECRET"), "bad_request"),
            (SettingsError("data_dir is wrong"), "data_dir is wrong"),
            (SystemExit("SECRET thing"), "SystemExit"),
        ],
    )
    def test_of_an_error_only_its_type_or_code_and_what_was_written_for_operators(self, error, word):
        assert value_of(error) == word

    @given(st.text(max_size=5000))
    def test_a_value_is_short(self, text):
        assert len(text_of(text)) <= LONGEST + 1

    def test_a_long_value_costs_little(self):
        for text in ("1." * 50_000, ":" * 100_000, "a@" * 50_000, "a" * 100_000, secrets.token_hex(50_000)):
            assert len(text_of(text)) <= LONGEST + 1
