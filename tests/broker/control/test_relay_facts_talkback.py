"""What the relay says of the officers' voice: written down with its moments, and a speech that it ended is over."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.control.relay_facts import Hearing
from broker.kernel.ids import SessionId
from broker.session import events as ev

SESSION = SessionId("ses_1")


class Desk:
    """A Hearing among pretend neighbours, which keep what they are told."""

    def __init__(self, clock: Any) -> None:
        self.facts: list[ev.Fact] = []
        self.noted: list[tuple[str, dict[str, Any]]] = []
        self.timeline: list[dict[str, Any]] = []
        live: Any = SimpleNamespace(take=self.facts.append)
        journal: Any = SimpleNamespace(note=lambda kind, session, who, data: self.noted.append((kind, data)))
        bus: Any = SimpleNamespace(emit=lambda *_: None)
        tasks: Any = None
        attendance: Any = None
        self.hearing = Hearing({SESSION: live}, {}, journal, clock, bus, tasks, attendance)
        self.hearing.recorders = SimpleNamespace(note=lambda _, event, now: self.timeline.append(event))  # type: ignore[assignment]

    def told(self, **members: Any) -> None:
        floor = {"session": SESSION, "who": "li@first-prison", "sides": ["visitor"], "mono": 5.5, "why": ""}
        self.hearing.from_relay("floor", floor | members)


@pytest.fixture
def desk(clock: Any) -> Desk:
    return Desk(clock)


def test_the_exact_moments_are_written_down_without_a_name(desk: Desk) -> None:
    desk.told(open=True)
    desk.told(open=False, why="ordered", mono=8.0)
    assert desk.noted == [
        ("FloorOpened", {"sides": ["visitor"], "mono": 5.5, "why": ""}),
        ("FloorShut", {"sides": ["visitor"], "mono": 8.0, "why": "ordered"}),
    ]
    assert [(event["kind"], event["open"], event["mono"]) for event in desk.timeline] == [
        ("floor", True, 5.5),
        ("floor", False, 8.0),
    ]
    assert desk.facts == []


@pytest.mark.parametrize("why", ["no microphone", "microphone gone"])
def test_a_speech_without_a_microphone_is_over(desk: Desk, why: str) -> None:
    desk.told(open=False, why=why)
    assert desk.facts == [ev.SpeechEnded("relay", why)]


@pytest.mark.parametrize("why", ["somebody else", "other rooms", "session closed", "broker gone"])
def test_what_somebody_ordered_or_ended_otherwise_ends_nothing_more(desk: Desk, why: str) -> None:
    desk.told(open=False, why=why)
    assert desk.facts == []
