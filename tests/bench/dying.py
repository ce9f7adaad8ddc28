"""A process that writes a part and is killed while it finishes the part: python -m tests.bench.dying FOLDER STEP. Once
`close` is called, the process is ended by kill -9 before its disk operation number STEP."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from recorder.evidence.verify import verify
from recorder.pipeline.writer import Writer
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import BEGIN, Feed, instant

SECONDS = 4.0
STEPS = ("open", "pwrite", "fdatasync", "fsync", "replace")


def at(root: Path, step: int) -> float | None:
    """Let a process finish a part and die at `step`, archive what it left, and return how many seconds of it there are.

    Returns None when the process ended by itself, after all its steps. Fails when the archive is not whole."""
    work = make_work(root)
    for file in work.glob("part-1*"):
        file.unlink()
    code = subprocess.run([sys.executable, "-m", "tests.bench.dying", str(work), str(step)], check=False).returncode
    assert code in (0, -signal.SIGKILL)
    kept = min(archived(work, root)["seconds"])
    assert verify(None, root).ok
    for folder in root.rglob("*"):
        folder.chmod(0o700)
    return kept if code else None


def _main(folder: Path, step: int) -> None:
    writer, records = Writer(folder, 1), Feed(SECONDS).records()
    for tenth in range(1, round(SECONDS * 10) + 1):
        batch = [record for record in records if tenth - 1 <= (record.arrival_ns / 1e9 - BEGIN) * 10 < tenth]
        writer.work(batch, instant(BEGIN + tenth / 10))
    taken = [0]
    for name in STEPS:
        setattr(os, name, _deadly(getattr(os, name), taken, step))
    writer.close(BEGIN + SECONDS, instant(BEGIN + SECONDS))


def _deadly(real: Any, taken: list[int], step: int) -> Any:
    def deadly(*args: Any, **more: Any) -> Any:
        if taken[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        taken[0] += 1
        return real(*args, **more)

    return deadly


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
