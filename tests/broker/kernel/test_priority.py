"""A process that gives way does so with its whole session, where the kernel groups processes by session."""

import os
import subprocess
import sys
from pathlib import Path

from broker.kernel import priority

GROUPED = Path("/proc/self/autogroup").exists()
LOOK = """import os
from broker.kernel import priority
{act}
print(os.nice(0), os.sched_getscheduler(0))
print(open('/proc/self/autogroup').read() if {grouped} else '')"""


def command(act: str) -> list[str]:
    """Return the command of a process that acts and then tells its priority."""
    return [sys.executable, "-c", LOOK.format(act=act, grouped=GROUPED)]


def looked(act: str, session: bool) -> tuple[str, str]:
    """Return nice value and scheduling policy, and the session's group, of a new process after `act`."""
    done = subprocess.run(command(act), capture_output=True, text=True, check=True, start_new_session=session)
    own, _, group = done.stdout.partition("\n")
    return own, group.strip()


def lowered(nice: int) -> str:
    """Return the nice value of a process that gives way to this one: it begins with that of the suite's worker."""
    return str(max(nice, os.getpriority(os.PRIO_PROCESS, 0)))


def test_a_process_with_a_session_of_its_own_gives_way_to_other_sessions():
    own, group = looked("priority.give_way(5)", session=True)
    assert own == f"{lowered(5)} {os.SCHED_OTHER}"
    assert group.endswith("nice 5") or not GROUPED


def test_many_at_once_get_their_turn_to_say_so():
    running = [
        subprocess.Popen(command("priority.give_way(7)"), stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(4)
    ]
    for each in running:
        text, _ = each.communicate()
        assert each.returncode == 0 and (text.strip().endswith("nice 7") or not GROUPED)


def test_a_process_within_anothers_session_leaves_that_alone():
    own, group = looked("priority.give_way(5)", session=False)
    assert own.startswith(f"{lowered(5)} ")
    assert group == (Path("/proc/self/autogroup").read_text("ascii").strip() if GROUPED else "")


def test_an_idle_process_takes_what_nobody_wants():
    own, _ = looked("priority.be_idle()", session=True)
    assert own == f"19 {os.SCHED_IDLE}"


def test_giving_way_never_raises_a_priority():
    own, _ = looked("os.nice(max(0, 10 - os.nice(0))); priority.give_way(5)", session=True)
    assert own.startswith(f"{lowered(10)} ")


def test_a_kernel_without_such_groups_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(priority, "AUTOGROUP", f"{tmp_path}/missing/{{}}")
    assert priority.set_session(1, 5)


def test_a_process_that_is_gone_is_no_error():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert priority.set_session(gone.pid, 5)
