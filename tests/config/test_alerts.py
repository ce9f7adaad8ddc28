"""The rules for alerts: data of the packs, each value with its citation."""

from dataclasses import replace
from datetime import timedelta
from importlib import resources

import pytest

from config.alerts import ALERT_RULES
from config.pack_loader import PackError, load_pack, packs


@pytest.mark.parametrize("name", packs())
def test_each_value_cites_an_article_or_a_decision_of_the_owner(name):
    rules = load_pack(name).alerts
    assert set(rules.articles) == set(ALERT_RULES)
    assert all(text.startswith("业主决定") and "第" in text for text in rules.articles.values())


def test_a_mark_of_time_needs_no_confirmation():
    rules = load_pack("yunnan").alerts
    assert (rules.after("five_minutes"), rules.after("silent"), rules.after("quorum_at_risk")) == (0, 60, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("black", timedelta(seconds=-1)),
        ("clear", timedelta(0)),
        ("one_minute", timedelta(minutes=5)),
        ("one_minute", timedelta(0)),
        ("articles", {}),
    ],
)
def test_what_makes_no_sense_is_refused(field, value):
    with pytest.raises(ValueError):
        replace(load_pack("yunnan").alerts, **{field: value})


_COUNT = "[alerts.count_heads]  # false: kiosks count no heads\nvalue = true"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_COUNT, _COUNT.replace("true", "1")),
        ("[alerts.black]", "[alerts.blank]"),
        (
            '[alerts.clear]  # an alert whose cause is gone for so long is over\nvalue = 3\nunit = "seconds"',
            "[alerts.clear]\nvalue = 3",
        ),
    ],
)
def test_a_pack_of_another_shape_is_refused(before, after, tmp_path):
    text = resources.files("config").joinpath("packs", "yunnan.toml").read_text("utf-8")
    assert before in text
    (tmp_path / "own.toml").write_text(text.replace(before, after), "utf-8")
    with pytest.raises(PackError):
        load_pack(tmp_path / "own.toml")
