"""What commands print: for people, for pipes and for scripts."""

import json
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.clock import SHANGHAI
from huijian.output import MOMENT, say, say_all

ROW = {"code": "W4Z6", "expires_at": datetime(2026, 12, 1, 18, 30, 5, 648057, UTC)}


@pytest.fixture
def terminal(monkeypatch, capsys):
    """Have standard output be a terminal."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: True)


def test_people_read_the_time_of_the_clock_on_their_wall(capsys, terminal):
    say(ROW, as_json=False)
    assert capsys.readouterr().out.splitlines() == ["code: W4Z6", "expires_at: 2026-12-02 02:30:05"]
    say_all([ROW], as_json=False)
    assert "2026-12-02 02:30:05" in capsys.readouterr().out


def test_scripts_and_pipes_get_moments_as_they_are_stored(capsys):
    say(ROW, as_json=True)
    assert json.loads(capsys.readouterr().out)["expires_at"] == "2026-12-01T18:30:05.648057+00:00"
    say(ROW, as_json=False)
    assert capsys.readouterr().out.splitlines()[1] == "expires_at: 2026-12-01T18:30:05.648057+00:00"
    say_all([ROW], as_json=False)
    assert capsys.readouterr().out == "W4Z6\t2026-12-01T18:30:05.648057+00:00\n"


@pytest.mark.parametrize("text", ["2026-12-01", "自 2026-12-01T18:30:05Z 起", "2026-99-99T99:99:99Z"])
def test_what_is_no_moment_stays_as_it_is(capsys, terminal, text):
    say({"text": text}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [f"text: {text}"]


@given(st.datetimes(datetime(2000, 1, 1), timezones=st.sampled_from([UTC, SHANGHAI])))
def test_every_moment_is_known_by_its_form(moment):
    assert MOMENT.fullmatch(moment.isoformat())
