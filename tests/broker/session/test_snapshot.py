"""Snapshots: what a version before this one has stored is read, and written again as it was. Restarts in the middle of
any story are in test_transitions_properties.py."""

import json
from datetime import UTC, datetime
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import FinishRecording, Reason
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from broker.session.transitions import step
from tests.support.session_story import CHILD, INMATE, KIN, SLOT, YUNNAN

FORMER: dict[str, Any] = {
    "boot": "boot-1",
    "state": "held",
    "recorded": True,
    "checked": ["child", "inmate", "kin"],
    "absent": [],
    "tested": {"prison": 49400.0, "visitor": 49400.0},
    "hold": {"by": "p-1", "site": "prison-1", "article": "YN-16-2", "note": "隐语"},
    "farewell": {},
    "held_by": "supervisor",
    "hard_stop": 52400.0,
    "crossed": 50000.0,
    "deadline": 52100.0,
    "end": None,
    "acts": {
        "warnings": [
            {
                "id": "wrn_1",
                "by": "p-1",
                "site": "prison-1",
                "sides": ["prison", "visitor"],
                "article": "YN-16-2",
                "zh": "请使用规定语种。",
                "en": "Please speak the agreed language.",
                "at": "2026-03-02T01:01:10+00:00",
                "acknowledged": {"visitor": "2026-03-02T01:01:10+00:00"},
            }
        ],
        "muted": {"visitor": ["p-1", "prison-1", "YN-16-2"]},
        "notes": [["p-1", "prison-1", "对方情绪激动", "2026-03-02T01:01:10+00:00", 70.0]],
    },
    "alerts": {
        "raised": 2,
        "open": [
            {
                "id": "alt_2",
                "kind": "quorum_at_risk",
                "side": "prison",
                "detail": "lost",
                "raised_at": "2026-03-02T01:01:20+00:00",
                "taken_by": None,
                "taken_at": None,
                "done_by": None,
                "done_at": None,
                "why": None,
            }
        ],
        "done": [
            {
                "id": "alt_1",
                "kind": "black",
                "side": "visitor",
                "detail": "",
                "raised_at": "2026-03-02T01:01:15+00:00",
                "taken_by": "p-1",
                "taken_at": "2026-03-02T01:01:20+00:00",
                "done_by": "p-1",
                "done_at": "2026-03-02T01:01:20+00:00",
                "why": "officer",
            }
        ],
        "dismissed": [["black", "visitor"]],
    },
    "extensions": [
        {
            "id": "apr_1",
            "by": "warden",
            "site": "prison-1",
            "role": "approver",
            "added": 300.0,
            "article": "YN-14-FAMILY",
            "reason": "母亲病重",
            "at": "2026-03-02T01:01:10+00:00",
            "made": 50070.0,
        }
    ],
    "ticks": {
        "child": ["identity", "phone", "rules", "security"],
        "inmate": ["identity", "rules", "security"],
        "kin": ["identity", "phone", "rules", "security"],
    },
    "seats": ["prison", "visitor"],
    "equipment": {
        "prison": {"passed": True, "by": "terminal", "at": "2026-03-02T00:50:00+00:00", "parts": {}},
        "visitor": {"passed": True, "by": "terminal", "at": "2026-03-02T00:50:00+00:00", "parts": {}},
    },
}
"""Written by version 0.1.0 of a visit that was held, with a warning, a mute, a note, alerts and an approval."""

NEWER: dict[str, Any] = {
    "opened_at": None,
    "rules": {},
    "equipment": {
        side: {**test, "figures": {}, "reason": "", "test": ""} for side, test in FORMER["equipment"].items()
    },
}
"""Members that it did not write yet."""
NOW = Instant(datetime(2026, 3, 2, 1, 2, tzinfo=UTC), 50_120.0)
ENDED = {
    "reason": "technical",
    "at": "2026-03-02T01:01:21+00:00",
    "side": None,
    "by": "p-1",
    "article": "YN-18",
    "cause": "断电",
    "rebook": False,
}


class TestASnapshotOfTheVersionBefore:
    def test_is_written_again_as_it_was(self) -> None:
        assert json.loads(json.dumps(to_json(from_json(SLOT, FORMER, NOW, "boot-1"), "boot-1"))) == FORMER | NEWER

    def test_is_held_until_every_process_is_back(self) -> None:
        session = from_json(SLOT, FORMER, NOW, "boot-1")
        assert (session.state, session.gate.held_since, session.gate.resumes_at) == (State.HELD, 50_120.0, 50_130.0)
        assert session.check_in.checked == {INMATE, KIN, CHILD}
        assert not session.processes.relay and session.processes.recorded
        assert set(session.interventions.muted) == {Side.VISITOR}

    def test_ends_as_technical_after_a_reboot(self) -> None:
        session = from_json(SLOT, FORMER, NOW, "boot-2")
        session, effects = step(session, ev.TimePassed(), NOW, YUNNAN)
        assert session.state is State.ENDED and session.end is not None
        assert (session.end.reason, session.end.cause) == (Reason.TECHNICAL, "power_lost")
        assert FinishRecording(Reason.TECHNICAL) in effects

    def test_of_an_ended_session_keeps_how_it_ended(self) -> None:
        former = FORMER | {"state": "ended", "end": ENDED}
        session = from_json(SLOT, former, NOW, "boot-1")
        assert session.end is not None and session.end.reason is Reason.TECHNICAL
        assert to_json(session, "boot-1")["end"] == ENDED

    def test_without_what_came_later_is_read_too(self) -> None:
        oldest = {name: FORMER[name] for name in FORMER if name not in LATER} | {"end": OLDEST_END}
        session = from_json(SLOT, oldest, NOW, "boot-1")
        assert session.end is not None and not session.end.rebook
        assert session.extensions == () and session.alerts.raised == 0 and session.interventions.warnings == ()


LATER = ("farewell", "held_by", "acts", "alerts", "extensions", "ticks", "seats", "equipment")
"""Members that the first versions did not write."""
OLDEST_END = {name: value for name, value in ENDED.items() if name != "rebook"}
