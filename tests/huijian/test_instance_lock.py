"""Tests of the lock of a data folder: a second service is refused while any process of the first still runs."""

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
    """Yield (process, pid of its child): another process that holds the lock, with a child that holds it too."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = int(process.stdout.readline())
    yield process, child
    process.kill()
    process.communicate()


class TestLock:
    def test_refuses_a_second_service(self, tmp_path, holder):
        process, _ = holder
        with pytest.raises(Conflict, match=f"{process.pid}.*--data-dir"), only_one(tmp_path):
            pass

    def test_is_free_after_use(self, tmp_path):
        for _ in range(2):
            with only_one(tmp_path):
                assert (tmp_path / LOCK).read_text().strip() == str(os.getpid())

    def test_waits_for_the_children_of_a_killed_service(self, tmp_path, holder, monkeypatch):
        process, child = holder
        monkeypatch.setattr(instance_lock, "ORPHANS_END_WITHIN", 0.3)
        os.kill(child, signal.SIGSTOP)  # as a child that still writes its files
        process.kill()
        process.wait()
        with pytest.raises(Conflict), only_one(tmp_path):
            pass
        monkeypatch.setattr(instance_lock, "ORPHANS_END_WITHIN", 20.0)
        os.kill(child, signal.SIGCONT)
        with only_one(tmp_path):
            pass

    def test_is_a_file_without_access_for_other_accounts(self, tmp_path):
        with only_one(tmp_path):
            assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o600
