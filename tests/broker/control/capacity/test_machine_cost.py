"""The cost of a session is measured once on a machine, and never waited for again."""

import json
import sys

import pytest

from broker.control.capacity import machine_cost
from broker.control.capacity.machine_cost import FILE, SLOW, MachineCost, kept, machine, measure_once
from broker.control.capacity.session_cost import UNMEASURED

SAYS = "import sys; sys.stdout.write({text!r})"


@pytest.fixture(autouse=True)
def load(monkeypatch):
    """Pretend that nothing else runs; the test may set another load average."""
    average = [0.0]
    monkeypatch.setattr(machine_cost.os, "getloadavg", lambda: (average[0], 0.0, 0.0))
    return average


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module that measures: it notes that it ran, and does what it is given as source."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{folder}")

    def make(source):
        (folder / "measures_here.py").write_text(f"open({str(folder / 'ran')!r}, 'a').write('x')\n{source}")
        return "measures_here"

    make.runs = lambda: len((folder / "ran").read_text()) if (folder / "ran").exists() else 0
    return make


class TestTheMeasurement:
    async def test_is_made_once_on_a_machine(self, tmp_path, module):
        name = module(SAYS.format(text='{"cores": 0.031}'))
        found = MachineCost(0.031, final=True)
        assert await measure_once(tmp_path, name) == found
        assert await measure_once(tmp_path, name) == found
        assert (kept(tmp_path), module.runs()) == (found, 1)

    @pytest.mark.parametrize("part", ["processor", "kernel", "python", "huijian"])
    async def test_is_made_again_where_the_machine_is_another(self, tmp_path, module, part):
        content = {"machine": {**machine(), part: "another"}, "cores": 0.5, "final": True}
        (tmp_path / FILE).write_text(json.dumps(content))
        assert kept(tmp_path) is None
        found = await measure_once(tmp_path, module(SAYS.format(text='{"cores": 0.03}')))
        assert found == kept(tmp_path) == MachineCost(0.03, final=True)

    async def test_on_a_busy_machine_counts_until_the_next_start(self, tmp_path, module, load):
        load[0] = 500.0
        busy = MachineCost(0.09, final=False)
        assert await measure_once(tmp_path, module(SAYS.format(text='{"cores": 0.09}'))) == kept(tmp_path) == busy
        again = module(SAYS.format(text='{"cores": 0.08}'))
        assert await measure_once(tmp_path, again) == busy, "a start amid visits was delayed"
        load[0] = 0.1
        assert await measure_once(tmp_path, module(SAYS.format(text='{"cores": 0.03}'))) == MachineCost(
            0.03, final=True
        )

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"cores": "x"}', '{"cores": -1.0}', '{"cores": NaN}', "\x00"])
    async def test_without_a_result_is_made_again_at_the_next_start(self, tmp_path, module, text):
        assumed = MachineCost(UNMEASURED, final=False)
        assert await measure_once(tmp_path, module(SAYS.format(text=text))) == assumed
        assert kept(tmp_path) == assumed
        assert (await measure_once(tmp_path, module(SAYS.format(text='{"cores": 0.03}')))).final

    async def test_that_fails_stops_nothing(self, tmp_path, module):
        assert (await measure_once(tmp_path, module("raise SystemExit(3)"))).cores == UNMEASURED

    async def test_that_takes_too_long_is_ended_and_says_that_the_machine_is_slow(self, tmp_path, module, monkeypatch):
        monkeypatch.setattr(machine_cost, "PATIENCE", 0.2)
        found = await measure_once(tmp_path, module("import time; time.sleep(600)"))
        assert found == kept(tmp_path) == MachineCost(SLOW, final=False)

    async def test_that_cannot_be_kept_stops_nothing(self, tmp_path, module):
        found = await measure_once(tmp_path / "nowhere", module(SAYS.format(text='{"cores": 0.03}')))
        assert found == MachineCost(0.03, final=True)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"machine": 1}', "null"])
def test_a_file_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    assert kept(tmp_path) is None


def test_a_machine_without_a_list_of_processors_has_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_cost, "_CPUINFO", tmp_path / "none")
    assert machine()["processor"]
    assert machine()["python"] == sys.version.split()[0]
