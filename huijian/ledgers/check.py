"""`huijian verify --ledger`: checks a ledger against its signature, and the end of the chain on it against the archive
of this machine."""

import io
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import typer

from broker.kernel.hash_chain import GENESIS, digest
from huijian.errors import FOUND
from huijian.output import say
from recorder.evidence import site_chain
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import BrokenSiteChain
from signaling.ledgers.seal import BESIDE, NotGenuine, check

BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError)
"""What reading a ZIP file raises that was changed."""
MOST_BYTES = 512 * 1024 * 1024
"""Bytes of a ZIP file's members that are unpacked: a ledger has a few millions."""


def verify_ledger(file: Path, keys: Keys, archive: Path | None, json: bool) -> int:
    """Print what a ledger is, or why it is not genuine, and return the exit code. `archive`: of this installation, None
    where the ledger is checked elsewhere."""
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}. 文件不存在")
    try:
        value = _checked(file, keys)
        if (cut := _cut(value, archive)) is not None:
            raise NotGenuine(cut)
    except FileNotFoundError:
        return _damaged(f"there is no {file.name}{BESIDE} beside it 缺少签名文件", file, json)
    except NotGenuine as error:
        return _damaged(str(error), file, json)
    shown = {name: value[name] for name in ("site", "from", "to", "public", "made_at", "made_by", "chain_head")}
    if json:
        say({"ok": True, "file": str(file), **shown, "totals": value["totals"]}, as_json=True)
        return 0
    visits = value["totals"]["visits"]
    print(f"WHOLE ledger of {value['site']}, {value['from']}..{value['to']}: {visits} visits 台账完好")
    if value["chain_head"]:
        print(f"CHAIN {value['site']} {value['chain_head']}")
    return 0


def _damaged(why: str, file: Path, json: bool) -> int:
    if json:
        say({"ok": False, "file": str(file), "why": why}, as_json=True)
    else:
        print(f"LEDGER {file} ({why})")
    return FOUND


def _checked(file: Path, keys: Keys) -> dict[str, Any]:
    """Return what a ledger says, or all ledgers in a ZIP file say. Raises NotGenuine, FileNotFoundError."""
    return check(file, keys) if file.suffix != ".zip" else _checked_zip(file, keys)


def _checked_zip(file: Path, keys: Keys) -> dict[str, Any]:
    found: dict[str, Any] | None = None
    try:
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as packed, tempfile.TemporaryDirectory() as folder:
            if packed.testzip() is not None or sum(member.file_size for member in packed.infolist()) > MOST_BYTES:
                raise NotGenuine("the ZIP file is damaged 压缩包已损坏")
            packed.extractall(folder)
            for path in sorted(Path(folder).iterdir()):
                if path.is_dir():
                    raise NotGenuine("the ZIP file is damaged 压缩包已损坏")
                if not path.name.endswith(BESIDE):
                    found = check(path, keys)
    except BROKEN as error:
        raise NotGenuine("the ZIP file is damaged 压缩包已损坏") from error
    if found is None:
        raise NotGenuine("no ledger is in it 压缩包内没有台账")
    return found


def _cut(value: dict[str, Any], archive: Path | None) -> str | None:
    """Return why the chain here is not the one of the ledger, None where it is, or where there is no archive."""
    head = str(value["chain_head"]).partition(":")[2]
    if archive is None or not head or head == GENESIS:
        return None
    path = archive / value["site"] / site_chain.NAME
    try:
        lines = site_chain.read(path)[0] if path.exists() else []
    except BrokenSiteChain as error:
        return f"the chain of the site is damaged: {error} 录像链已损坏"
    if any(digest(line) == head for line in lines):
        return None
    return "the chain of the site does not hold the end on the ledger: it was cut or rewritten 录像链不含台账上的链头"
