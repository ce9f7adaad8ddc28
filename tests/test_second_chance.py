"""A failed test of real time or of a browser is tried once more, and the last line says so; no other test is."""

from collections.abc import Mapping

import pytest

import tests.__main__ as command
from tests import conftest


class Runs:
    """Runs of pytest that end as they are told: (exit code, failed tests) of each."""

    def __init__(self, *outcomes: tuple[int, Mapping[str, bool]]) -> None:
        self.left, self.arguments = list(outcomes), list[tuple[str, ...]]()

    def __call__(self, *arguments: str) -> tuple[int, Mapping[str, bool]]:
        self.arguments.append(arguments)
        return self.left.pop(0)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Runs:
    found = Runs(*request.param)
    monkeypatch.setattr(command, "run", found)
    return found


@pytest.mark.parametrize("runs", [[(1, {"a::b": True, "a::c": True}), (0, {})]], indirect=True)
def test_which_tests_needed_it_is_in_the_last_line(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["-x"]) == 0
    assert runs.arguments == [(*command.PARALLEL, "-x"), ("-n", "0", "a::b", "a::c")]
    assert capsys.readouterr().out.splitlines()[-1] == "Second chance for 2 tests (a::b, a::c): all passed."


@pytest.mark.parametrize("runs", [[(1, {"a::b": True, "a::c": True}), (1, {"a::c": True})]], indirect=True)
def test_a_test_that_fails_again_fails_the_run(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Second chance for 2 tests (a::b, a::c): failed again: a::c."


@pytest.mark.parametrize(
    "runs", [[(1, {"a::b": True, "x::y": False})], [(2, {"a::b": True})], [(1, {})], [(0, {})]], indirect=True
)
def test_there_is_none_beside_another_failure_or_other_trouble(runs: Runs) -> None:
    code = runs.left[0][0]
    assert command.main([]) == code and len(runs.arguments) == 1


@pytest.mark.parametrize(("mark", "has"), [("realtime", True), ("browser", True), ("asyncio", False)])
def test_it_is_for_marked_tests(mark: str, has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "_failures", {})
    report = pytest.TestReport("a::b", ("a", 1, "b"), {mark: 1}, "failed", None, "call")
    conftest.pytest_runtest_logreport(report)
    assert conftest._failures == {"a::b": has}
