"""Tests of the report of a visit: every broken invariant becomes a sentence in `problems`."""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.control.journal.entry import Entry
from broker.kernel.ids import Side
from config.pack_loader import load_pack
from huijian.demo.visit_report import VisitReport, report_visit
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


def _report(story: list[tuple[str, dict[str, Any]]] = STORY, **changes: Any) -> VisitReport:
    entries = [Entry(n, "", "s", kind, "system", json.dumps(data), "", "") for n, (kind, data) in enumerate(story)]
    kiosks = {side: changes.get("kiosk", _kiosk()) for side in Side}
    report = changes.get("report", Report(recordings=1))
    return report_visit(entries, kiosks, [ReceiverStats(first_picture_after=0.4)], report, Path("/"), load_pack("demo"))


def _with(kind: str, **data: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(each, data if each == kind else before) for each, before in STORY]


class TestVisitReport:
    def test_a_visit_in_order_has_no_problems(self) -> None:
        report = _report()
        assert report.problems == []
        assert report.forwarded == pytest.approx(20.0) and report.cut_late == pytest.approx(0.0)
        assert report.opened_after == pytest.approx(0.0)

    def test_a_hold_is_no_problem_and_does_not_extend_the_limit(self) -> None:
        held = [("GateShut", {"mono": 105.0, "why": ""}), ("GateOpened", {"mono": 107.0, "why": ""})]
        report = _report(STORY[:3] + held + STORY[3:])
        assert report.problems == [] and report.held == pytest.approx(2.0)
        assert report.forwarded == pytest.approx(18.0)

    @pytest.mark.parametrize(
        ("story", "changes"),
        [
            (_with("GateShut", mono=120.6, why="limit"), {}),
            (_with("StateChanged", to="ended", reason="technical"), {}),
            (_with("Archived", **{**ARCHIVED, "seconds": [20.0, 20.0, 19.0, 20.0]}), {}),
            ([entry for entry in STORY if entry[0] != "Archived"], {}),
            ([entry for entry in STORY if entry[0] != "Crossed"], {}),
            (STORY, {"kiosk": _kiosk(first=99.9)}),
            (STORY, {"kiosk": _kiosk(last=120.5)}),
            (STORY, {"kiosk": _kiosk(packets=0)}),
            (STORY, {"report": Report(recordings=1, damages=[Damage(Path("x"), "changed")])}),
        ],
    )
    def test_each_broken_invariant_is_a_problem(
        self, story: list[tuple[str, dict[str, Any]]], changes: dict[str, Any]
    ) -> None:
        assert _report(story, **changes).problems
