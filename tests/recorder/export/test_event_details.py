"""The details of a timeline's events in a package (Yunnan 27, Guangdong 30): words for people outside the system."""

from dataclasses import fields
from datetime import timedelta

import pytest

from broker.kernel.ids import ApprovalId, SessionId, Side, SiteId, UserId, WarningId
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.effects import AlertKind, HoldReason, Reason
from config.check_in import Manner
from recorder.explained.words import HOLDS
from recorder.export.event_details import ALERTS, ENDINGS, LEFT_OUT, MANNERS, MEMBERS, details_of

LI, PRISON = UserId("li"), SiteId("first-prison")


def test_a_warning_is_told_with_its_ground_and_its_sides() -> None:
    warning = ev.WarningGiven(WarningId("wrn_1"), LI, PRISON, (Side.VISITOR,), "YN-16-2", "请说普通话", "In Mandarin")
    detail = details_of({"kind": "action", "what": "WarningGiven", **ev.data(warning)})
    assert detail.zh == (
        "编号：wrn_1；操作人：li；单位：first-prison；对象：会见人一方；依据：第十六条第（二）项；内容：请说普通话；"
        "英文内容：In Mandarin"
    )
    assert "ground: Article 16(2)" in detail.en and "sides: The visitors' side" in detail.en


def test_officers_are_named_by_account_and_site() -> None:
    present = [{"user": "li", "site": "first-prison"}, {"user": "wu", "site": "panlong"}]
    detail = details_of({"kind": "people", "checked_in": ["per_1"], "watchers": present})
    assert detail.zh == "已入场人员编号：per_1；在岗管理员：li（first-prison）、wu（panlong）"


def test_an_end_is_told_with_its_reason_and_its_cause() -> None:
    over = {"kind": "state", "from": "live", "to": "ended", "reason": "technical", "article": "", "cause": "power_lost"}
    assert details_of(over).zh == "理由：技术故障；原因：会见期间系统断电重启"
    shut = {"kind": "gate", "open": False, "why": "room_lost"}
    assert details_of(shut) == ("原因：会见室线路中断", "why: the line of a room broke")


def test_an_extension_names_its_minutes_and_its_reason_as_written() -> None:
    fact = ev.ExtensionApproved(
        ApprovalId("apr_1"), SessionId("ses_1"), LI, PRISON, "approver", timedelta(minutes=10), "YN-23", "首次会见"
    )
    detail = details_of({"kind": "action", "what": "ExtensionApproved", **ev.data(fact)})
    assert "延长：10 分钟" in detail.zh and "岗位：审批人" in detail.zh and "理由：首次会见" in detail.zh
    assert "longer by: 10 min" in detail.en


def test_a_mute_that_is_lifted_says_so() -> None:
    lifted = {"kind": "action", "what": "MuteOrdered", "side": "prison", "on": False}
    assert details_of(lifted) == ("一方：监所一方；静音：否", "side: The prison's side; muted: no")


def test_moments_are_of_shanghai() -> None:
    acknowledged = {"kind": "rules_acknowledged", "since": "2026-03-02T01:47:00+00:00", "manner": "touch"}
    assert details_of(acknowledged).zh == "自：2026-03-02 09:47:00；方式：触摸确认"


@pytest.mark.parametrize("value", ["tomorrow", "", None, 7, ["x", 1], {"user": 1}, {"user": [], "site": {}}, [[]]])
@pytest.mark.parametrize("name", sorted([*MEMBERS, "new"]))
def test_nothing_of_a_changed_file_is_lost_or_fails(name: str, value: object) -> None:
    detail = details_of({"kind": "action", "what": "Invented", name: value})
    assert (detail.zh == "") is (value in ("", None))


def test_marks_that_turn_a_line_around_are_named() -> None:
    assert details_of({"kind": "action", "note": "a\u202eb"}).zh == "备注：a[U+202E]b"


class TestEveryCode:
    """No code of the product's own is left without words."""

    def test_of_an_action_an_attention_check_or_an_alert_has_a_name(self) -> None:
        shown = (*ev.ACTIONS, *ev.ATTENTION, ev.AlertTaken, ev.AlertFinished)
        assert {field.name for fact in shown for field in fields(fact)} <= MEMBERS.keys() | LEFT_OUT

    def test_of_a_reason_an_alert_or_a_manner_has_words(self) -> None:
        assert {str(reason) for reason in Reason} == ENDINGS.keys()
        assert {str(reason) for reason in HoldReason} <= HOLDS.keys()
        assert {str(kind) for kind in AlertKind} == ALERTS.keys()
        assert {str(manner) for manner in Manner} == MANNERS.keys()

    def test_of_an_officer_is_an_account_and_a_site(self) -> None:
        assert ev.data(ev.WatchersChanged(frozenset({Watcher(LI, PRISON)})))["watchers"] == [
            {"user": "li", "site": "first-prison"}
        ]
