"""The signature of a ledger: a statement of what the ledger is of, what it adds up to, where the site's chain ended and
which bytes the file has, signed by the archive's key like a manifest. A workbook or a page has it in a file of JSON
beside it (`NAME.sig.json`); a ledger in JSON has it inside. Blocks."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from broker.kernel import canonical_json
from broker.kernel.clock import in_shanghai
from recorder.evidence.signing import Keys, Signer, sign
from recorder.witness.newest import Witnessed
from signaling.ledgers.entry import Head, Totals

KIND, VERSION = "ledger", 1
BESIDE = ".sig.json"
"""What the name of the signature has behind the name of its file."""


class NotGenuine(Exception):
    """Error of a ledger that is not what was signed; the text says why, in English and Chinese."""


def statement(head: Head, totals: Totals, witnessed: Sequence[Witnessed]) -> dict[str, Any]:
    """Return what every signature of a ledger says, with the heads that witnesses have signed."""
    request = head.request
    return {
        "kind": KIND,
        "version": VERSION,
        "site": request.site,
        "site_name": head.site_name,
        "from": request.since.isoformat(),
        "to": request.until.isoformat(),
        "public": request.public,
        "made_at": in_shanghai(head.made_at).isoformat(timespec="seconds"),
        "made_by": head.made_by,
        "chain_head": head.chain_head,
        "witnessed": msgspec.to_builtins(witnessed),
        "totals": totals.to_json(request.public),
    }


def sealed(value: Mapping[str, Any], format: str, data: bytes, signer: Signer) -> dict[str, Any]:
    """Return the signed statement about a file. Raises KeyProblem."""
    file = {"format": format, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return sign({**value, "file": file}, signer)


def check(file: Path, keys: Keys) -> dict[str, Any]:
    """Check a ledger against its signature and return what was signed. Raises NotGenuine, or OSError where a file
    cannot be read."""
    data = file.read_bytes()
    inside = _ledger(data)
    if inside is not None and "file" not in inside:
        return _vouched(inside, data, keys)
    beside = file.with_name(file.name + BESIDE).read_bytes()
    value = _ledger(beside)
    if value is None or not isinstance(value.get("file"), dict):
        raise NotGenuine("the signature is that of no ledger 签名文件不是台账签名")
    _vouched(value, beside, keys)
    if value["file"].get("sha256") != hashlib.sha256(data).hexdigest():
        raise NotGenuine("the file is not the one that was signed 文件内容与签名不符，已被改动或不是同一份台账")
    return value


def _vouched(value: dict[str, Any], data: bytes, keys: Keys) -> dict[str, Any]:
    """Return a value whose signature is genuine, and which is spelled as it was signed. Raises NotGenuine."""
    if why := keys.vouch(value):
        raise NotGenuine(f"{why} 签名无效")
    if canonical_json.indented(value) != data:
        raise NotGenuine("the file is spelled differently than it was written 文件书写与签名时不同")
    return value


def _ledger(data: bytes) -> dict[str, Any] | None:
    """Return the ledger or the statement in a file, None for anything else."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    right = isinstance(value, dict) and value.get("kind") == KIND and value.get("version") == VERSION
    return value if right else None


def chain_line(head: Head) -> str:
    """Return the end of the site's chain as `huijian verify` prints it and as its option --heads reads it; "" where
    there is none."""
    return f"CHAIN {head.request.site} {head.chain_head}" if head.chain_head else ""
