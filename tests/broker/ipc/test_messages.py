"""What is checked of a command, a reply and a fact when it is decoded."""

import json
import math
from typing import Any, get_args

import pytest
from msgspec import to_builtins

from broker.ipc.framing import WireError
from broker.ipc.messages import Done, reply, reply_type, wire_name
from broker.ipc.recorder_messages import RECORDER, AddEvent, RecorderAlive, RecorderCommand, RecorderFact
from broker.ipc.relay_messages import (
    RELAY,
    AdmitReply,
    AdmitSession,
    GateChanged,
    LeaseGate,
    MediaReport,
    RelayCommand,
    RelayFact,
    ShutGate,
    SideCounts,
    StreamCounts,
    Subscription,
)
from broker.kernel.errors import BadRequest
from broker.kernel.ids import ResourceId, SessionId, Side

LEASE = {"type": "lease_gate", "session": "s", "until": 1.0, "deadline": 2.0, "limit": 3.0}
SESSION = SessionId("s")


def over_the_wire(value: Any) -> Any:
    return json.loads(json.dumps(to_builtins(value)))


class TestCommands:
    def test_are_decoded_into_their_type(self) -> None:
        command = RELAY.command({**LEASE, "muted": ["visitor"], "until": 7})
        expected = LeaseGate(session=SESSION, until=7.0, deadline=2.0, limit=3.0, muted=frozenset({Side.VISITOR}))
        assert command == expected and isinstance(command, LeaseGate) and type(command.until) is float

    def test_come_back_as_they_were(self) -> None:
        event = AddEvent(session=SESSION, event={"kind": "x", "text": "第一行\n第二行"}, at="2026-01-01", mono=1.5)
        assert RECORDER.command(over_the_wire(event)) == event

    @pytest.mark.parametrize(
        "wrong",
        [
            {"type": "dance", "session": "s"},
            {"type": ["lease_gate"]},
            {"session": "s"},
            {},
            [],
            None,
            "lease_gate",
            5,
            [[[[]]]],
        ],
    )
    def test_that_are_unknown_are_refused(self, wrong: object) -> None:
        with pytest.raises(BadRequest):
            RELAY.command(wrong)

    @pytest.mark.parametrize("name", ["session", "until", "deadline", "limit"])
    def test_with_a_missing_member_are_refused(self, name: str) -> None:
        with pytest.raises(BadRequest):
            RELAY.command({key: value for key, value in LEASE.items() if key != name})

    @pytest.mark.parametrize(
        "member",
        [
            {"note": "x"},
            {"session": ""},
            {"session": None},
            {"session": 7},
            {"until": "1.0"},
            {"until": True},
            {"until": None},
            {"until": math.nan},
            {"until": math.inf},
            {"deadline": -math.inf},
            {"until": 10**400},
            {"limit": 0},
            {"limit": -1.0},
            {"muted": ["kitchen"]},
            {"muted": "visitor"},
            {"muted": None},
            {"muted": [["visitor"]]},
            {"crossed": "soon"},
        ],
    )
    def test_with_a_superfluous_or_mistyped_member_are_refused(self, member: dict[str, Any]) -> None:
        with pytest.raises(BadRequest):
            RELAY.command({**LEASE, **member})

    @pytest.mark.parametrize("tap", [-1, 1 << 32, 1.0, "1", None])
    def test_with_a_tap_that_is_no_number_of_32_bits_are_refused(self, tap: object) -> None:
        with pytest.raises(BadRequest):
            RELAY.command({"type": "admit_session", "session": "s", "tap": tap})

    def test_of_the_recorder_are_unknown_to_a_relay_worker(self) -> None:
        with pytest.raises(BadRequest):
            RELAY.command({"type": "acknowledge_recording", "session": "s"})


class TestReplies:
    def test_are_of_the_type_that_the_command_declares(self) -> None:
        assert reply(AdmitSession(session=SESSION, tap=1), {"port": 5}) == AdmitReply(port=5)
        assert reply(ShutGate(session=SESSION), {}) == Done()

    @pytest.mark.parametrize("value", [{}, {"port": "5"}, {"port": 5, "more": 1}, None, []])
    def test_that_are_not_break_the_connection(self, value: object) -> None:
        with pytest.raises(WireError):
            reply(AdmitSession(session=SESSION, tap=1), value)

    @pytest.mark.parametrize("command", [*get_args(RelayCommand), *get_args(RecorderCommand)])
    def test_are_declared_by_every_command(self, command: Any) -> None:
        assert not issubclass(reply_type(command), command)


class TestFacts:
    def test_come_back_as_they_were(self) -> None:
        subscription = Subscription(
            resource=ResourceId("r"),
            side=Side.PRISON,
            subscriber="li@site",
            gated=False,
            on=True,
            consent=True,
            reports=True,
            round_trip=0.02,
        )
        sides = {side: SideCounts(video=StreamCounts(packets=3, jitter=0.5)) for side in Side}
        report = MediaReport(session=SESSION, sides=sides, subscriptions=(subscription,))
        assert RELAY.fact(over_the_wire(report)) == report

    @pytest.mark.parametrize(
        "wrong",
        [
            {"type": "eclipse"},
            {"type": "gate_changed", "session": "s"},
            {"type": "gate_changed", "session": "s", "open": 1, "mono": 1.0, "why": ""},
            {"type": "gate_changed", "session": "s", "open": True, "mono": math.nan, "why": ""},
            {"type": "gate_changed", "session": "s", "open": True, "mono": 1.0, "why": "", "by": "li"},
            {"type": "recorder_alive"},
            "gate_changed",
            None,
        ],
    )
    def test_that_the_control_process_does_not_know_break_the_connection(self, wrong: object) -> None:
        with pytest.raises(WireError):
            RELAY.fact(wrong)

    def test_cannot_be_made_with_a_number_that_json_does_not_have(self) -> None:
        with pytest.raises(ValueError, match="mono"):
            GateChanged(session=SESSION, open=True, mono=math.inf, why="")

    def test_without_members_are_known_by_their_name(self) -> None:
        assert RECORDER.fact({"type": "recorder_alive"}) == RecorderAlive()


@pytest.mark.parametrize("union", [RelayCommand, RelayFact, RecorderCommand, RecorderFact])
def test_the_name_on_the_wire_is_that_of_the_class(union: Any) -> None:
    for message in get_args(union):
        assert message.__struct_config__.tag == wire_name(message.__name__)
        assert message.__struct_config__.frozen and message.__struct_config__.forbid_unknown_fields
