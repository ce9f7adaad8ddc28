"""Yunnan 12, 25, 26(5): each step of a drill is judged by moments that the relay and the program tell, and one fault
fails the step that it is about."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.drills.judgement import CUT_WITHIN, END_WITHIN, Disk, Evidence, Noted, judge
from broker.drills.result import STEPS, YIELDED, Verdict, document, first_failure
from broker.kernel.ids import Side

LIMIT = timedelta(seconds=30)
AT = "2026-03-02T23:30:00+00:00"
COUNTS = {side: {"audio": {"packets": 900, "crossed": 500, "lost": 1}} for side in ("prison", "visitor")}
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("SlotApproved", {}),
    ("SelfTested", {"side": "prison", "passed": True, "parts": {"camera": "passed"}, "figures": {"round_trip": 31.0}}),
    ("SelfTested", {"side": "visitor", "passed": True, "parts": {"camera": "passed"}}),
    ("RecorderFlushed", {}),
    ("GateOpened", {"mono": 112.0}),
    ("Crossed", {"mono": 112.1}),
    ("GateShut", {"mono": 119.5, "why": "quorum_lost"}),
    ("GateOpened", {"mono": 124.0}),
    ("GateShut", {"mono": 142.15, "why": "time_limit"}),
    ("StateChanged", {"from": "live", "to": "ended", "reason": "time_limit"}),
    ("MediaCounted", COUNTS),
    ("Archived", {"seconds": [25.0, 25.0], "bytes": 4_000_000}),
]
MOMENTS = {"three": 109.0, "fourth": 110.0, "left": 119.0, "returned": 121.0}
ALL = Evidence(
    connected=frozenset(Side),
    journal=[Noted(kind, AT, data) for kind, data in GOOD],
    moments=MOMENTS,
    limit=LIMIT,
    loss=0.05,
    damages=(),
    disk=Disk(free=10**10, reserve=10**9, speed=1e8, needed=4e5),
)


def journal(evidence: Evidence, kind: str, number: int, **changes: Any) -> Evidence:
    """The evidence with other data in an entry of a kind."""
    places = [place for place, entry in enumerate(evidence.journal) if entry.kind == kind]
    entry = evidence.journal[places[number]]
    changed = [*evidence.journal]
    changed[places[number]] = entry._replace(data={**entry.data, **changes})
    return replace(evidence, journal=changed)


def without(evidence: Evidence, *kinds: str) -> Evidence:
    return replace(evidence, journal=[entry for entry in evidence.journal if entry.kind not in kinds])


def moments(evidence: Evidence, *gone: str, **changes: float) -> Evidence:
    kept: Mapping[str, float] = {name: at for name, at in evidence.moments.items() if name not in gone}
    return replace(evidence, moments={**kept, **changes})


def failed(evidence: Evidence) -> list[str]:
    return [step.name for step in judge(evidence) if step.verdict is Verdict.FAILED]


class TestADrillInWhichAllWorks:
    def test_passes_every_step_in_their_order(self) -> None:
        steps = judge(ALL)
        assert [step.name for step in steps] == list(STEPS)
        assert {step.verdict for step in steps} == {Verdict.PASSED}

    def test_tells_its_figures(self) -> None:
        figures = {step.name: step.figures for step in judge(ALL)}
        assert figures["cut"]["seconds"] == pytest.approx(0.5)
        assert figures["end"]["late"] == pytest.approx(0.05)
        assert figures["media"]["seconds"] == pytest.approx(7.5 + 18.15)
        assert figures["line"]["prison_round_trip_ms"] == 31.0
        assert figures["opening"]["seconds"] == pytest.approx(2.0)


FAULTS: dict[str, Callable[[], Evidence]] = {
    "terminals": lambda: replace(ALL, connected=frozenset({Side.PRISON})),
    "tests": lambda: journal(ALL, "SelfTested", 1, passed=False, parts={"camera": "failed"}),
    "gate": lambda: journal(ALL, "GateOpened", 0, mono=109.9),
    "media": lambda: journal(ALL, "MediaCounted", 0, prison={"audio": {"packets": 900, "crossed": 0, "lost": 0}}),
    "cut": lambda: journal(ALL, "GateShut", 0, mono=119.0 + CUT_WITHIN + 0.01),
    "resume": lambda: journal(ALL, "GateOpened", 1, mono=120.0),
    "end": lambda: journal(ALL, "GateShut", 1, mono=142.1 + END_WITHIN + 0.01),
    "recording": lambda: without(ALL, "Archived"),
    "verify": lambda: replace(ALL, damages=("changed",)),
    "disk": lambda: replace(ALL, disk=Disk(10**10, 10**9, 1e5, 4e5)),
    "line": lambda: journal(ALL, "MediaCounted", 0, visitor={"audio": {"packets": 900, "crossed": 500, "lost": 90}}),
}


class TestOneFault:
    @pytest.mark.parametrize("step", FAULTS)
    def test_fails_its_step_and_no_other(self, step: str) -> None:
        assert failed(FAULTS[step]()) == [step]
        assert first_failure(judge(FAULTS[step]())) == step

    def test_an_officer_who_leaves_unnoticed_fails_the_cut(self) -> None:
        shut = [entry for entry in ALL.journal if entry.kind == "GateShut"][1:]
        kept = [entry for entry in ALL.journal if entry.kind not in ("GateShut", "GateOpened")]
        opened = [entry for entry in ALL.journal if entry.kind == "GateOpened"][:1]
        assert "cut" in failed(replace(ALL, journal=[*kept, *opened, *shut]))
        assert first_failure(judge(replace(ALL, journal=[*kept, *opened, *shut]))) == "cut"

    def test_a_cut_in_the_very_last_moment_is_in_time(self) -> None:
        assert failed(journal(ALL, "GateShut", 0, mono=119.0 + CUT_WITHIN)) == []

    def test_a_full_disk_and_a_slow_one_are_told_apart(self) -> None:
        full = judge(replace(ALL, disk=Disk(1, 10**9, 1e8, 4e5)))[STEPS.index("disk")]
        slow = judge(replace(ALL, disk=Disk(10**10, 10**9, 1.0, 4e5)))[STEPS.index("disk")]
        assert (full.detail, slow.detail) == ("full", "slow")

    def test_a_gate_that_never_opens_says_what_was_missing(self) -> None:
        gone = ("GateOpened", "Crossed", "GateShut", "MediaCounted", "Archived", "RecorderFlushed", "StateChanged")
        evidence = replace(without(moments(ALL, "left", "returned"), *gone), missing="recorder", damages=None)
        opening = judge(evidence)[STEPS.index("opening")]
        assert (opening.verdict, opening.detail) == (Verdict.FAILED, "recorder")
        assert failed(evidence) == ["opening"]


class TestTerminalsThatAreAway:
    def test_leave_the_other_steps_unknown(self) -> None:
        evidence = Evidence(frozenset(), [], {}, LIMIT, 0.05, disk=ALL.disk)
        assert failed(evidence) == ["terminals"]
        assert judge(evidence)[0].detail == "prison visitor"


class TestTheDocument:
    def test_says_where_it_failed_first(self) -> None:
        found = document({"drill": "ses_d"}, judge(FAULTS["cut"]()))
        assert (found["state"], found["failed_at"]) == ("failed", "cut")
        assert [step["name"] for step in found["steps"]] == list(STEPS)

    def test_of_a_drill_that_gave_way_says_so(self) -> None:
        assert document({}, judge(ALL), YIELDED)["failed_at"] == YIELDED

    def test_of_a_good_one_names_no_step(self) -> None:
        found = document({}, judge(ALL))
        assert (found["state"], found["failed_at"]) == ("passed", "")
