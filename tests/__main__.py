"""`python -m tests [PYTEST ARGUMENTS]`: the suite on all cores; failed tests of real time or a browser are tried once
more, alone.

Real-time tests promise seconds, and browsers wait seconds at most for a page, which a starved machine can break. Where
nothing but such tests failed, they run again one by one, and the last line says which needed that. Where any other test
failed, the run has failed.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import FAILURES_FILE

ROOT = Path(__file__).parent.parent
PARALLEL = ("-n", "auto", "--no-loadscope-reorder")  # tests/conftest.py has the scheduler
FAILED = 1  # pytest's exit code for tests that failed; any other is trouble of another kind


def main(arguments: list[str]) -> int:
    """Run the suite; return pytest's exit code."""
    code, failures = run(*PARALLEL, *arguments)
    if code != FAILED or not failures or not all(failures.values()):
        return code
    print(f"\nSecond chance, one by one, for {len(failures)} tests:", *failures, sep="\n  ", flush=True)
    code, again = run("-n", "0", *failures)
    outcome = "all passed" if code == 0 else f"failed again: {', '.join(again)}"
    print(f"Second chance for {len(failures)} tests ({', '.join(failures)}): {outcome}.", flush=True)
    return code


def run(*arguments: str) -> tuple[int, dict[str, bool]]:
    """Run pytest in a process of its own: its exit code, and whether each failed test has a second chance."""
    with tempfile.NamedTemporaryFile("r", suffix=".json", encoding="utf-8") as file:
        environment = {**os.environ, FAILURES_FILE: file.name, "PYTHONUTF8": "1"}  # in any locale
        process = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment, check=False)
        return process.returncode, json.loads(file.read() or "{}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
