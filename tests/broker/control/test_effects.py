"""Both ends of each connection have the same commands and facts: what one sends the other handles."""

import ast
from pathlib import Path
from typing import get_args

import pytest

import broker.control
from broker.ipc.recorder_messages import RecorderAlive, RecorderCommand, RecorderFact, RecorderReady
from broker.ipc.relay_messages import RelayCommand, RelayFact, SessionAdmitted, WorkerReady
from broker.relay.worker import Worker
from recorder.process import Commands
from tests.support.control.live_visit import LiveVisit


def names(union):
    return {member.__name__ for member in get_args(union)}


def sent():
    """The classes that the control process makes, by name."""
    for file in Path(broker.control.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func).rpartition(".")[2]


class TestCommands:
    def test_a_relay_worker_handles_each_of_its_commands(self):
        assert set(Worker.__new__(Worker).handlers()) == set(get_args(RelayCommand))

    def test_the_recorder_handles_each_of_its_commands(self):
        assert set(Commands(None, None, None).handlers()) == set(get_args(RecorderCommand))

    @pytest.mark.parametrize("union", [RelayCommand, RecorderCommand])
    def test_the_control_process_sends_each_of_them(self, union):
        offers = {"Publish", "Subscribe", "PublishTalkback", "SubscribeTalkback"}  # come from signaling
        assert names(union) - offers - set(sent()) == set()


class TestFacts:
    def test_each_fact_of_a_relay_worker_is_handled(self):
        own = {WorkerReady, SessionAdmitted}  # concern the pool of workers
        assert set(LiveVisit().relay_facts.handlers) == set(get_args(RelayFact)) - own

    def test_each_fact_of_the_recorder_is_handled(self):
        own = {RecorderReady, RecorderAlive}  # concern the connection
        assert set(LiveVisit().recorder_facts.handlers) == set(get_args(RecorderFact)) - own
