"""One service a data folder: the second one is told so, whoever of the first still runs."""

import os
import signal
import subprocess
import sys

import pytest

from broker.kernel.errors import Conflict
from huijian import instance_lock
from huijian.instance_lock import LOCK, only_one

HOLDS = """
import subprocess, sys
from pathlib import Path
from huijian.instance_lock import only_one
with only_one(Path(sys.argv[1])) as lock:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"],
                             stdin=subprocess.PIPE, pass_fds=(lock,))
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the folder, with a child that has it too; (process, the child's pid)."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = int(process.stdout.readline())
    yield process, child
    process.kill()
    process.communicate()


class TestOneService:
    def test_has_a_folder_for_itself(self, tmp_path, holder):
        process, _ = holder
        with pytest.raises(Conflict, match=f"{process.pid}.*--data-dir"), only_one(tmp_path):
            pass

    def test_gives_it_back(self, tmp_path):
        for _ in range(2):
            with only_one(tmp_path):
                assert (tmp_path / LOCK).read_text().strip() == str(os.getpid())

    def test_that_was_killed_is_waited_for_until_its_children_are_gone(self, tmp_path, holder, monkeypatch):
        process, child = holder
        monkeypatch.setattr(instance_lock, "LEFTOVERS", 0.3)
        os.kill(child, signal.SIGSTOP)  # it still writes its files
        process.kill()
        process.wait()
        with pytest.raises(Conflict), only_one(tmp_path):
            pass
        monkeypatch.setattr(instance_lock, "LEFTOVERS", 20.0)
        os.kill(child, signal.SIGCONT)
        with only_one(tmp_path):
            pass

    def test_has_a_lock_that_nobody_else_can_read(self, tmp_path):
        with only_one(tmp_path):
            assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o600
