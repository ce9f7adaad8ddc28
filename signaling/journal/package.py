"""The file of an export of the journal: a ZIP with the entries as they are hashed, the signed checkpoints that vouch
for them, the public keys, a workbook for readers, and a manifest that is signed by the archive's key.

Its members are stored as they are, not compressed: a damaged byte then spoils one entry, which can be named. Blocks."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from broker.control.journal.entry import Entry
from broker.kernel import canonical_json
from broker.kernel.hash_chain import GENESIS
from recorder.evidence.checkpoints import FOLDER, NAME, checkpoint_in, installation_id
from recorder.evidence.signing import Signer, installed, published, sign
from signaling.journal.order import (
    CHECKPOINTS,
    ENTRIES,
    KIND,
    MANIFEST,
    README,
    VERSION,
    WORKBOOK,
    Made,
    Order,
)
from signaling.journal.workbook import JournalWorkbook

TEXT = """会见 Huijian 日志导出 · export of the journal
{since} — {until}

journal.jsonl      每行一条，含计算散列的全部字段；prev_hash 为前一条的散列
                   one entry a line, with all that is hashed; prev_hash is the hash of the entry before
checkpoints.jsonl  日志链头的签名检查点 · signed heads of the journal's chain
journal.xlsx       供阅读 · for readers
manifest.json      以上文件的 SHA-256，已签名 · their SHA-256, signed
*.pem              公钥；请与另行保存的公钥核对 · the public key; compare it with one that was kept elsewhere

校验 · to verify:  huijian verify --journal {name} --public-key KEY.pem
"""


def build(order: Order, lines: Iterable[bytes]) -> Made:
    """Make the file of an export from the lines of its entries. Raises KeyProblem, OSError."""
    folder = Path(order.folder)
    signer = installed(Path(order.keys_dir), Path(order.archive_dir), order.signing)
    facts = _write_entries(order, lines, folder)
    _write_checkpoints(order, folder)
    (folder / README).write_text(TEXT.format(since=order.since, until=order.until, name=order.name), "utf-8")
    names = (ENTRIES, CHECKPOINTS, WORKBOOK, README)
    paths = {name: folder / name for name in names} | {key.name: key for key in published(Path(order.archive_dir))}
    manifest = _manifest(order, facts, paths, signer)
    target = folder / order.name
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(MANIFEST, manifest)
        for name, path in paths.items():
            packed.write(path, name)
    return Made(path=str(target), entries=facts["entries"], manifest=hashlib.sha256(manifest).hexdigest())


def _write_entries(order: Order, lines: Iterable[bytes], folder: Path) -> dict[str, Any]:
    """Write the entries for programs and for readers; return what the manifest says of them."""
    book = JournalWorkbook(folder / WORKBOOK, folder)
    count, before, head = 0, GENESIS, GENESIS
    with (folder / ENTRIES).open("wb") as file:
        for line in lines:
            entry = Entry(**json.loads(line))
            before = before if count else entry.prev_hash
            count, head = count + 1, entry.hash
            file.write(line)
            book.add(entry)
    book.close()
    return {"first": order.first, "last": order.last, "entries": count, "before": before, "head": head}


def _write_checkpoints(order: Order, folder: Path) -> None:
    """Write the checkpoints from the last one before the entries to the first one that covers them all."""
    source = Path(order.archive_dir) / FOLDER / NAME
    chosen: list[bytes] = []
    for line in source.open("rb") if source.exists() else ():
        try:
            seq = checkpoint_in(line).seq
        except ValueError:
            continue
        if seq < order.first:
            chosen = [line]
            continue
        chosen.append(line)
        if seq >= order.last:
            break
    (folder / CHECKPOINTS).write_bytes(b"".join(chosen))


def _manifest(order: Order, facts: dict[str, Any], paths: dict[str, Path], signer: Signer) -> bytes:
    files = {name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for name, path in paths.items()}
    value = {
        "kind": KIND,
        "version": VERSION,
        "from": order.since.isoformat(),
        "to": order.until.isoformat(),
        "made_at": order.made_at,
        "made_by": order.by,
        "reason": order.reason,
        "installation": installation_id(Path(order.keys_dir)),
        **facts,
        "files": files,
    }
    return canonical_json.indented(sign(value, signer))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
