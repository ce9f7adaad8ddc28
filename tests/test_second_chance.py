"""A few failed tests are tried again, alone, and the last line says so; many failures and other trouble are not."""

import pytest

import tests.__main__ as command
from tests import conftest


class Runs:
    """Runs of pytest that end as they are told: (exit code, failed tests) of each."""

    def __init__(self, *outcomes: tuple[int, list[str]]) -> None:
        self.left, self.arguments = list(outcomes), list[tuple[str, ...]]()

    def __call__(self, *arguments: str) -> tuple[int, list[str]]:
        self.arguments.append(arguments)
        return self.left.pop(0)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Runs:
    found = Runs(*request.param)
    monkeypatch.setattr(command, "run", found)
    return found


@pytest.mark.parametrize("runs", [[(1, ["a::b", "a::c"]), (0, [])]], indirect=True)
def test_which_tests_needed_it_is_in_the_last_line(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["-x"]) == 0
    assert runs.arguments == [(*command.PARALLEL, "-x"), ("-n", "0", "a::b", "a::c")]
    assert capsys.readouterr().out.splitlines()[-1] == "Second chance for 2 tests (a::b, a::c): all passed."


@pytest.mark.parametrize("runs", [[(1, ["a::b", "a::c"]), (1, ["a::c"]), (0, [])]], indirect=True)
def test_what_fails_again_is_tried_a_third_time(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    assert runs.arguments[1:] == [("-n", "0", "a::b", "a::c"), ("-n", "0", "a::c")]
    lines = capsys.readouterr().out.splitlines()
    assert "Second chance for 2 tests (a::b, a::c): failed again: a::c." in lines
    assert lines[-1] == "Third chance for 1 tests (a::c): all passed."


@pytest.mark.parametrize("runs", [[(1, ["a::b"])] * 3], indirect=True)
def test_a_test_that_fails_each_time_fails_the_run(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 1 and not runs.left
    assert capsys.readouterr().out.splitlines()[-1] == "Third chance for 1 tests (a::b): failed again: a::b."


@pytest.mark.parametrize(
    "runs",
    [[(1, [f"a::{n}" for n in range(command.MOST + 1)])], [(2, ["a::b"])], [(1, [])], [(0, [])]],
    indirect=True,
)
def test_there_is_none_for_many_failures_or_other_trouble(runs: Runs) -> None:
    code = runs.left[0][0]
    assert command.main([]) == code and len(runs.arguments) == 1


def test_a_test_that_fails_in_several_stages_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "_failures", [])
    for stage in ("call", "teardown"):
        conftest.pytest_runtest_logreport(pytest.TestReport("a::b", ("a", 1, "b"), {}, "failed", None, stage))
    assert conftest._failures == ["a::b"]
