"""What a witness says: that the chain of another site ended with this head at this moment. The statement has a
signature of the witness's own key and stands in a line of the witness's chain, which the key of the archive signs.
Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from recorder.evidence.signing import Keys, PublicKey, Signer, sign
from recorder.evidence.site_chain import WITNESS


class Statement(NamedTuple):
    """A statement as it stands in the chain of `witness` about the chain `of` another site. `hash`: of the last line
    that it had then."""

    witness: str
    of: str
    head: str
    at: str

    @property
    def hash(self) -> str:
        """The hash of the last line of the chain."""
        return self.head.partition(":")[2]


def pairs(meetings: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """Return each (witness, of) among sites that met: both sites of a meeting witness each other."""
    found = {(one, other) for sites in meetings for one in sites for other in sites if one != other}
    return sorted(found)


def line_of(witness: str, of: str, head: str, at: datetime, signer: Signer | None) -> dict[str, Any]:
    """Return the line for the witness's chain. `signer`: the witness's key, None where it is kept elsewhere: the line
    then proves by its place alone."""
    statement: dict[str, Any] = {"witness": witness, "of": of, "head": head, "at": at.isoformat()}
    if signer is not None:
        statement = sign(statement, signer)
    return {"kind": WITNESS, "session": "", "number": 0, "manifest": "", "at": at.isoformat(), "statement": statement}


def read_line(site: str, value: Mapping[str, Any], key: PublicKey | None) -> tuple[Statement | None, str]:
    """Return the statement in a line of the chain of `site`, and what is wrong with it; "" where it is genuine. `key`:
    that of the witness, None where none is known."""
    inner = value.get("statement")
    if not isinstance(inner, dict) or not all(isinstance(inner.get(name), str) for name in Statement._fields):
        return None, "malformed"
    statement = Statement(*(inner[name] for name in Statement._fields))
    if statement.witness != site:
        return statement, f"the statement is that of {statement.witness}"
    if "signature" not in inner:
        return statement, "" if key is None else "not signed by the witness, whose key exists"
    if key is None:
        return statement, "the key of the witness is missing"
    return statement, Keys([key]).vouch(inner)
