"""The account of a visit: from what was written down and counted, every broken promise becomes a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.control.journal.entry import Entry
from broker.kernel.ids import Side
from config.pack_loader import load_pack
from huijian.demo.account import Account, account_of
from kiosk_agent.webrtc.receiver import ReceiverStats
from recorder.evidence.report import Damage, Report

ARCHIVED = {"path": "a/session.mp4", "sha256": "00", "seconds": [20.3, 20.3, 20.2, 20.2]}
STORY: list[tuple[str, dict[str, Any]]] = [
    ("LeaseGate", {"until": 103.0}),
    ("GateOpened", {"mono": 100.0, "why": ""}),
    ("Crossed", {"mono": 100.1}),
    ("GateShut", {"mono": 120.1, "why": "limit"}),
    ("StateChanged", {"to": "ended", "reason": "time_limit"}),
    ("Archived", ARCHIVED),
]


def _kiosk(first: float = 100.1, last: float = 120.1, packets: int = 100) -> dict[str, Any]:
    kind = {"packets": packets, "lost": 0, "first_packet_at": first, "last_packet_at": last, "first_frame_at": first}
    return {"far": {"video": kind, "audio": kind}}


def _account(story: list[tuple[str, dict[str, Any]]] = STORY, **changes: Any) -> Account:
    entries = [Entry(n, "", "s", kind, "system", json.dumps(data), "", "") for n, (kind, data) in enumerate(story)]
    kiosks = {side: changes.get("kiosk", _kiosk()) for side in Side}
    report = changes.get("report", Report(recordings=1))
    return account_of(entries, kiosks, [ReceiverStats(first_picture_after=0.4)], report, Path("/"), load_pack("demo"))


def _with(kind: str, **data: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(one, data if one == kind else told) for one, told in STORY]


class TestAccount:
    def test_a_visit_in_order_has_no_problems(self) -> None:
        account = _account()
        assert account.problems == []
        assert account.forwarded == pytest.approx(20.0) and account.cut_late == pytest.approx(0.0)
        assert account.opened_after == pytest.approx(0.0)

    def test_a_hold_is_no_problem_but_does_not_stretch_the_limit(self) -> None:
        held = [("GateShut", {"mono": 105.0, "why": ""}), ("GateOpened", {"mono": 107.0, "why": ""})]
        account = _account(STORY[:3] + held + STORY[3:])
        assert account.problems == [] and account.held == pytest.approx(2.0)
        assert account.forwarded == pytest.approx(18.0)

    @pytest.mark.parametrize(
        ("story", "changes"),
        [
            (_with("GateShut", mono=120.6, why="limit"), {}),
            (_with("StateChanged", to="ended", reason="technical"), {}),
            (_with("Archived", **{**ARCHIVED, "seconds": [20.0, 20.0, 19.0, 20.0]}), {}),
            ([one for one in STORY if one[0] != "Archived"], {}),
            ([one for one in STORY if one[0] != "Crossed"], {}),
            (STORY, {"kiosk": _kiosk(first=99.9)}),
            (STORY, {"kiosk": _kiosk(last=120.5)}),
            (STORY, {"kiosk": _kiosk(packets=0)}),
            (STORY, {"report": Report(recordings=1, damages=[Damage(Path("x"), "changed")])}),
        ],
    )
    def test_each_broken_promise_is_a_sentence(
        self, story: list[tuple[str, dict[str, Any]]], changes: dict[str, Any]
    ) -> None:
        assert _account(story, **changes).problems
