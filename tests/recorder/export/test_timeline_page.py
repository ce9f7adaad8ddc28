"""The readable timeline: every event in words, nothing from it is markup."""

import json
from datetime import datetime

import pytest

from recorder.explained.explain import Explained, explained_in
from recorder.explained.spans import spans_of
from recorder.explained.words import NOT_EXPLAINED, NOTHING_MISSING
from recorder.export.event_words import ACTIONS, rows, words_of
from recorder.export.timeline_page import as_json, page

ZERO = "2026-11-22T10:00:00+08:00"
MANIFEST = {"session": "ses_1", "started_at": ZERO}


def entry(at: str, **event: object) -> dict[str, object]:
    return {"at": at, "mono": 1.0, "event": event}


TIMELINE = [
    entry("2026-11-22T02:00:05+00:00", kind="state", to="held"),
    entry(
        "2026-11-22T02:00:02+00:00", kind="action", what="WarningGiven", by="li", article="YN-16", text="<b>勿谈</b>"
    ),
    {"event": {"kind": "gap", "track": 2, "start": 3.5, "seconds": 0.8, "cause": "no_packets", "packets": 3}},
    {"event": {"kind": "unreadable"}},
]


def test_has_the_events_in_the_order_of_the_film_with_times_of_shanghai() -> None:
    found = rows(TIMELINE, datetime.fromisoformat(ZERO))
    assert [(row.at, row.second, row.words.zh) for row in found] == [
        ("10:00:02", 2.0, "管理员劝阻"),
        ("10:00:03", 3.5, "会见人画面缺口"),
        ("10:00:05", 5.0, "状态：已中止"),
        ("", None, "此行无法读取"),
    ]
    assert found[0].detail.en == "by: li; ground: Article 16; text: <b>勿谈</b>"


def test_as_a_page_escapes_what_officers_wrote_and_loads_nothing() -> None:
    html = page(MANIFEST, TIMELINE).decode()
    assert "&lt;b&gt;勿谈&lt;/b&gt;" in html and "<b>" not in html
    assert "<script" not in html and "default-src 'none'" in html and "An officer warns" in html


def test_as_a_page_shows_what_hides_or_turns_a_line_around() -> None:
    """Texts are checked when they are entered; those of an older version, or of a file that was changed, were not."""
    hostile = "\u202e勿谈\u200b</td>\x1b[2J\nby: wang"
    noted = entry("2026-11-22T02:00:02+00:00", kind="action", what="NoteMade", by="li", text=hostile)
    unknown = entry("2026-11-22T02:00:03+00:00", kind="\u2066<i>", what="")
    moved = entry("2026-11-22T02:00:04+00:00", kind="state", to="\u202elive")
    html = page(MANIFEST | {"session": "ses_1\u202e<"}, [noted, unknown, moved]).decode()
    assert "text: [U+202E]勿谈[U+200B]&lt;/td&gt;[U+001B][2J by: wang" in html
    assert "[U+2066]&lt;i&gt;" in html and "[U+202E]live" in html and "ses_1[U+202E]&lt;" in html
    for hidden in ("\u202e", "\u200b", "\u2066", "\x1b", "<i>"):
        assert hidden not in html
    assert "\\u202e" not in as_json(MANIFEST, [noted]).decode()


def test_as_json_has_both_languages() -> None:
    value = json.loads(as_json(MANIFEST, TIMELINE))
    assert [event["en"] for event in value["events"]][:2] == ["An officer warns", "Gap in the visitors' picture"]


def test_shows_an_unknown_event_by_its_own_name() -> None:
    assert words_of({"kind": "action", "what": "Invented"}).zh == "Invented"
    assert words_of({"kind": "new_kind"}).en == "new_kind"
    assert all(text.zh and text.en for text in ACTIONS.values())


def test_says_why_an_officer_is_no_longer_present_in_the_words_of_the_explanations() -> None:
    gone = {"user": "li", "site": "first-prison", "side": "prison", "why": ["too_small"]}
    left = entry("2026-11-22T02:00:05+00:00", kind="people", watchers=[], left=[gone])
    spans = spans_of([left], MANIFEST | {"tracks": [{"seconds": 9.0}]})
    html = page(MANIFEST, [left], explained_in(spans, ())).decode()
    assert "管理员不再计入在岗：画面过小（至少 160×90）" in html
    assert "监所一方：有管理员未计入在岗（画面过小（至少 160×90））" in html
    value = json.loads(as_json(MANIFEST, [left], explained_in(spans, ())))
    assert value["events"][0]["en"] == "An officer is no longer present: a picture is too small (160×90 at least)"
    assert value["events"][0]["detail_zh"] == "不再计入在岗：li（first-prison）画面过小（至少 160×90）"
    assert [one["cause"] for one in value["explained"]] == ["before", "absent"]


@pytest.mark.parametrize("left", ["li", 7, [None], [{"why": "too_small"}], [{"why": 7}]])
def test_takes_what_was_changed_for_an_officer_who_left_without_a_known_reason(left: object) -> None:
    assert words_of({"kind": "people", "left": left}).zh == "管理员不再计入在岗：原因不明"


def test_says_that_a_procurator_looks_on_and_not_who() -> None:
    (row,) = rows([entry("2026-11-22T02:00:05+00:00", kind="observers", observers=["wu"])], None)
    assert row.words.zh == "检察人员开始或停止观看" and row.detail == ("", "")


class TestWhatIsMissing:
    FOUND = Explained(5.0, 8.25, "visitor", "line", "both", "nothing", "<家属>一方：线路中断。", "Visitors: the line.")

    def test_stands_before_the_events_with_its_seconds(self) -> None:
        html = page(MANIFEST, TIMELINE, [self.FOUND]).decode()
        assert '<td class="n">5.0</td><td class="n">8.2</td><td>&lt;家属&gt;一方：线路中断。' in html
        assert html.index("Visitors: the line.") < html.index("An officer warns")
        assert json.loads(as_json(MANIFEST, TIMELINE, [self.FOUND]))["explained"] == [self.FOUND.to_json()]

    def test_is_told_apart_from_what_cannot_be_told(self) -> None:
        assert NOTHING_MISSING.zh in page(MANIFEST, TIMELINE).decode()
        assert NOT_EXPLAINED.zh in page(MANIFEST, TIMELINE, None).decode()
        assert json.loads(as_json(MANIFEST, TIMELINE, None))["explained"] is None
