"""TURN credentials: for the answered client, for this visit, and never in a log (RFC 9725 4.6)."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

import pytest

from config.settings import Settings, SettingsError
from signaling.media.offer_answer import TURN_GRACE, turn_credentials
from tests.support.signaling.front import OFFER

SDP = {"headers": {"Content-Type": "application/sdp"}, "data": OFFER}
URLS = ("turn:turn.example:3478", "turns:turn.example:5349?transport=tcp")
SECRET = b"a secret of sixteen bytes or more"
LINK = re.compile(
    r'<(?P<url>[^>]+)>; rel="ice-server"; username="(?P<name>[^"]+)"; credential="(?P<word>[^"]+)"; '
    r'credential-type="password"'
)


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "turn.secret"
    file.write_bytes(SECRET + b"\n")
    file.chmod(0o600)
    return file


def configured(front, secret):
    front.context.settings = front.context.settings.model_copy(update={"turn_urls": URLS, "turn_secret_file": secret})


@pytest.fixture
async def session(front):
    session = await front.visit()
    front.at(timedelta(minutes=-10))
    return session


class TestTheAnswer:
    @pytest.mark.parametrize(("path", "caller"), [("/whip/{}", "p1"), ("/whep/{}/visitor", "prison-sup")])
    async def test_names_each_address_with_credentials_that_end_with_the_visit(
        self, front, session, secret, path, caller
    ):
        configured(front, secret)
        answer = await front.ask("POST", path.format(session), caller, **SDP)
        found = [LINK.fullmatch(link) for link in answer.headers.getall("Link")]
        assert [one["url"] for one in found] == list(URLS)
        until, _, name = found[0]["name"].partition(":")
        assert int(until) == int((front.broker.live(session).session.slot.ends_at + TURN_GRACE).timestamp())
        assert answer.headers["Location"].endswith(name)
        digest = hmac.new(SECRET, found[0]["name"].encode(), hashlib.sha1).digest()
        assert base64.b64decode(found[0]["word"]) == digest

    async def test_names_none_where_none_is_configured(self, front, session):
        answer = await front.ask("POST", f"/whip/{session}", "p1", **SDP)
        assert answer.status == 201 and "Link" not in answer.headers

    async def test_comes_without_them_when_the_secret_cannot_be_read(self, front, session, secret, capsys):
        configured(front, secret)
        secret.unlink()
        answer = await front.ask("POST", f"/whip/{session}", "p1", **SDP)
        assert answer.status == 201 and "Link" not in answer.headers

    async def test_never_contains_the_secret(self, front, session, secret, capsys):
        configured(front, secret)
        answer = await front.ask("POST", f"/whip/{session}", "p1", **SDP)
        data = capsys.readouterr()
        for text in (data.out, data.err, str(answer.headers), repr(front.context.settings)):
            assert SECRET.decode() not in text

    async def test_refusals_carry_none(self, front, secret):
        configured(front, secret)
        answer = await front.ask("POST", "/whip/ses_none", "p1", **SDP)
        assert answer.status == 404 and "Link" not in answer.headers


class TestCredentials:
    def test_are_those_that_coturn_makes_of_the_same_secret(self):
        until = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
        assert turn_credentials(b"north", "r_1", until) == ("1795341600:r_1", "K68BJQ7URt4wTtAhhJhwCKrjn1E=")


class TestSettings:
    def test_need_both_or_neither(self, secret):
        for values in ({"turn_urls": URLS}, {"turn_secret_file": secret}):
            with pytest.raises(SettingsError, match="belong together"):
                Settings.load(**values)

    @pytest.mark.parametrize("url", ["turn.example", "stun:turn.example", 'turn:x"; rel=y', "turn:x>", "turn:a b"])
    def test_take_only_turn_addresses(self, secret, url):
        with pytest.raises(SettingsError, match="no TURN address"):
            Settings.load(turn_urls=(url,), turn_secret_file=secret)

    def test_refuse_an_invalid_secret(self, tmp_path, secret):
        made = {"data_dir": tmp_path / "data", "turn_urls": URLS, "turn_secret_file": secret}
        Settings.load(**made).prepare()
        secret.chmod(0o644)
        with pytest.raises(SettingsError, match="can be read or changed by other users"):
            Settings.load(**made).prepare()
        secret.chmod(0o600)
        secret.write_bytes(b"short")
        with pytest.raises(SettingsError, match="16 bytes") as refusal:
            Settings.load(**made).prepare()
        assert "short" not in str(refusal.value).replace(str(secret), "")
