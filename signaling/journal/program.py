"""The program of the process that makes an export of the journal: on standard input the order and one entry a line; on
standard output one line about the file."""

import sys

import msgspec

from recorder.evidence.signing import KeyProblem
from signaling.building.child_program import FAULT
from signaling.journal.order import Made, Order
from signaling.journal.package import build


def main() -> int:
    """Make the export that standard input describes and return the exit code."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        made = build(order, sys.stdin.buffer)
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)  # its text may hold what the journal does
        made = Made(failed=code_of(error))
    sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
    return 1 if made.failed else 0


def code_of(error: Exception) -> str:
    """Return the code of a failure."""
    if isinstance(error, KeyProblem):
        return "key"
    return "disk" if isinstance(error, OSError) else FAULT
