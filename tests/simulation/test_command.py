"""The command line of the simulation prints its totals, also when a signal ends it before all seeds were run."""

import os
import signal

import pytest

from tests.simulation import command
from tests.simulation.command import Result, main


class TestManySeeds:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_print_their_totals_when_they_are_interrupted(
        self, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def result_of(seed: int) -> Result:
            if seed == 3:
                os.kill(os.getpid(), number)
            return Result(seed, visits=2, seconds=1800.0, faults={"power cut": 1})

        monkeypatch.setattr(command, "result_of", result_of)
        monkeypatch.setattr(command, "collect_seldom", lambda: None)
        before = signal.getsignal(number)
        assert main(["--seeds", "0:1000", "--jobs", "1"]) == 0
        printed = capsys.readouterr().out
        assert "4 seeds, 8 visits, 2.0 simulated hours" in printed and "power cut 4" in printed
        assert signal.getsignal(number) is before
