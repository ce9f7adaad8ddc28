"""`python -m tests [PYTEST ARGUMENTS]`: the suite on all cores; a few failed tests are tried again, alone.

Visits, browsers and processes have time-outs that a starved machine can reach. A few tests that failed beside all
others run again one by one, twice at most, and the last line says which needed that: each of those is a matter to look
into. Where many failed, or one fails each time, the run has failed.
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
CHANCES = ("Second", "Third")
MOST = 20
"""With more failed tests than this, something is wrong, and trying again would only hide it."""


def main(arguments: list[str]) -> int:
    """Run the suite; return pytest's exit code."""
    code, failures = run(*PARALLEL, *arguments)
    for chance in CHANCES:
        if code != FAILED or not 0 < len(failures) <= MOST:
            break
        print(f"\n{chance} chance, one by one, for {len(failures)} tests:", *failures, sep="\n  ", flush=True)
        tried = failures
        code, failures = run("-n", "0", *tried)
        outcome = "all passed" if code == 0 else f"failed again: {', '.join(failures)}"
        print(f"{chance} chance for {len(tried)} tests ({', '.join(tried)}): {outcome}.", flush=True)
    return code


def run(*arguments: str) -> tuple[int, list[str]]:
    """Run pytest in a process of its own: its exit code, and the tests that failed."""
    with tempfile.NamedTemporaryFile("r", suffix=".json", encoding="utf-8") as file:
        environment = {**os.environ, FAILURES_FILE: file.name, "PYTHONUTF8": "1"}  # in any locale
        process = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment, check=False)
        return process.returncode, json.loads(file.read() or "[]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
