"""`huijian kiosk pin` keeps a hash, never shows the PIN, and refuses one that is guessed first."""

import pytest

from kiosk_agent.officer import pin


@pytest.fixture
def new(tmp_path):
    """Return a function that makes a closed file with a new PIN."""

    def made(text):
        path = tmp_path / "new-pin"
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        return str(path)

    return made


def test_a_pin_is_set_and_set_again(huijian, tmp_path, new):
    place = tmp_path / "officer.pin"
    for text in ("482915", "730164"):
        answer = huijian("kiosk", "pin", "--pin-file", str(place), "--from-file", new(text))
        assert answer.code == 0 and text not in answer.out + answer.err
        assert pin.fits(place, text)


@pytest.mark.parametrize("weak", ["123456", "4829", "abcdef"])
def test_a_weak_one_is_refused_in_both_languages(huijian, tmp_path, new, weak):
    answer = huijian("kiosk", "pin", "--pin-file", str(tmp_path / "officer.pin"), "--from-file", new(weak))
    assert answer.code == 2 and "PIN" in answer.err and not (tmp_path / "officer.pin").exists()
    assert "位数字" in answer.err or "请勿" in answer.err


def test_without_a_place_it_says_what_to_do(huijian, new):
    answer = huijian("kiosk", "pin", "--from-file", new("482915"))
    assert answer.code == 2 and "--pin-file" in answer.err


def test_a_folder_that_is_not_there_is_an_error_of_one_line(huijian, tmp_path, new):
    answer = huijian("kiosk", "pin", "--pin-file", str(tmp_path / "no" / "pin"), "--from-file", new("482915"))
    assert answer.code == 2 and answer.err.count("\n") == 1
