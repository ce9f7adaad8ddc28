"""The program of the process that makes a ledger: on standard input the order and one entry a line, as JSON; on
standard output one line about the file and its bytes, or a failure's code."""

import sys
from collections.abc import Iterator

import msgspec

from recorder.evidence.signing import KeyProblem
from recorder.export.cover_sheet import NoFont
from signaling.building.child_program import FAULT
from signaling.ledgers.build import build
from signaling.ledgers.entry import Entry
from signaling.ledgers.order import Line, Made, Order


def main() -> int:
    """Make the ledger that standard input describes and return the exit code."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        made: Made = build(order, _entries())
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)  # its text may hold what the ledger does
        sys.stdout.buffer.write(msgspec.json.encode(Line(failed=code_of(error))) + b"\n")
        return 1
    line = Line(made.name, made.signature.decode(), made.visits)
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n" + made.data)
    sys.stdout.buffer.flush()
    return 0


def _entries() -> Iterator[Entry]:
    decoder = msgspec.json.Decoder(Entry)
    while line := sys.stdin.buffer.readline():
        yield decoder.decode(line)


def code_of(error: Exception) -> str:
    """Return the code of a failure."""
    if isinstance(error, NoFont):
        return "no_font"
    if isinstance(error, KeyProblem):
        return "key"
    return "disk" if isinstance(error, OSError) else FAULT
