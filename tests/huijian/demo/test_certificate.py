"""The certificate that a demonstration makes for itself, and nothing else is given."""

import stat

import pytest

from config.settings import Settings, SettingsError
from huijian.demo import certificate
from huijian.demo.certificate import names, with_demo_certificate
from signaling.tls.certificate import load


@pytest.fixture
def settings(place):
    loaded = Settings.load(demo=True)
    loaded.prepare()
    return loaded


def test_is_made_private_and_can_be_used(settings):
    made = with_demo_certificate(settings)
    assert made.tls and made.cookie_secure
    assert stat.S_IMODE(made.tls_key.stat().st_mode) == 0o600
    load(made.tls_certificate, made.tls_key)


def test_stays_the_same_at_the_next_start(settings):
    before = with_demo_certificate(settings).tls_certificate.read_bytes()
    assert with_demo_certificate(settings).tls_certificate.read_bytes() == before


def test_is_made_again_when_it_expires_soon(settings, monkeypatch):
    before = with_demo_certificate(settings).tls_certificate.read_bytes()
    monkeypatch.setattr(certificate, "LEFT", certificate.VALID)
    assert with_demo_certificate(settings).tls_certificate.read_bytes() != before


def test_is_for_the_names_under_which_the_machine_is_asked():
    assert {"localhost", "127.0.0.1", "::1", "10.1.2.3"} <= set(names("10.1.2.3"))


def test_is_made_for_nothing_but_a_demonstration(place):
    loaded = Settings.load()
    loaded.prepare()
    with pytest.raises(SettingsError, match="--tls"):
        with_demo_certificate(loaded)
    assert not list(loaded.keys_dir.iterdir())


def test_does_not_take_the_place_of_one_that_is_set(settings):
    with pytest.raises(SettingsError):
        with_demo_certificate(with_demo_certificate(settings))
