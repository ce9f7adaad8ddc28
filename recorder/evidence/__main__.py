"""`python -m recorder.evidence SESSION ARCHIVE KEYS ALGORITHM`: check one recording in processor time that nothing else
wants, and print what was found as one line of JSON. KEYS is the folder of the installation's keys."""

import ctypes
import json
import signal
import sys
from pathlib import Path
from typing import Any

from broker.kernel.priority import be_idle

DEATH = 1  # PR_SET_PDEATHSIG


def check(session: str, archive: Path, keys: Path, algorithm: str) -> dict[str, Any]:
    """Return the result of one recording's check. Raises KeyProblem where the installation's keys cannot be read."""
    from recorder.evidence.signing import trusted  # loaded after the process has given way, with its libraries
    from recorder.evidence.verify import verify

    report = verify(session, archive, trusted(keys, algorithm))
    findings = [
        {
            "kind": damage.kind,
            "file": str(damage.path.relative_to(archive) if damage.path.is_relative_to(archive) else damage.path.name),
            "detail": damage.detail,
            "second": damage.second,
        }
        for damage in report.damages
    ]
    return {"sound": report.ok, "files": report.files, "bytes": report.bytes, "findings": findings}


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(DEATH, signal.SIGKILL)
    be_idle()
    print(json.dumps(check(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])))
