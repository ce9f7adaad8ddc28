"""The making of a ledger's file: workbook, pages, JSON, or all three with their signatures in a ZIP file. Every file is
signed by the archive's key. Blocks."""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from broker.kernel import canonical_json
from recorder.evidence.signing import Signer, installed, sign
from recorder.witness.newest import Witnessed, newest_of
from signaling.ledgers.columns import cells_of, columns_of
from signaling.ledgers.entry import Entry, Head, Totals
from signaling.ledgers.order import SINGLE, Format, Made, Order, file_name
from signaling.ledgers.pages import pages
from signaling.ledgers.seal import BESIDE, sealed, statement
from signaling.ledgers.workbook import workbook


def build(order: Order, entries: Iterable[Entry]) -> Made:
    """Make the file of a ledger. Raises NoFont, KeyProblem, OSError."""
    signer = installed(Path(order.keys_dir), Path(order.archive_dir), order.signing)
    witnessed = newest_of(Path(order.archive_dir), order.head.request.site)
    if order.format == "zip":
        return _all(order, list(entries), witnessed, signer)
    return _one(order, order.format, entries, witnessed, signer)


def _all(order: Order, entries: Sequence[Entry], witnessed: Sequence[Witnessed], signer: Signer) -> Made:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for format in SINGLE:
            made = _one(order, format, entries, witnessed, signer)
            packed.writestr(made.name, made.data)
            if made.signature:
                packed.writestr(made.name + BESIDE, made.signature)
    return Made(file_name(order.head, "zip"), target.getvalue(), b"", len(entries))


def _one(
    order: Order, format: Format, entries: Iterable[Entry], witnessed: Sequence[Witnessed], signer: Signer
) -> Made:
    head = order.head
    if format == "json":
        return _json(head, entries, witnessed, signer)
    make: Callable[..., tuple[bytes, Totals]] = workbook if format == "xlsx" else pages
    more = (Path(order.folder),) if format == "xlsx" else ()
    data, totals = make(head, entries, signer.public.id, witnessed, *more)
    signature = sealed(statement(head, totals, witnessed), format, data, signer)
    return Made(file_name(head, format), data, canonical_json.indented(signature), totals.visits)


def _json(head: Head, entries: Iterable[Entry], witnessed: Sequence[Witnessed], signer: Signer) -> Made:
    """Return the ledger as JSON, signed inside."""
    totals, rows = Totals(), []
    columns = columns_of(head.request.public)
    for entry in entries:
        totals.add(entry)
        cells = zip((column.name for column in columns), cells_of(columns, entry), strict=True)
        rows.append({"number": totals.visits, **dict(cells)})
    titles: list[dict[str, Any]] = [
        {"name": column.name, "zh": column.title.zh, "en": column.title.en} for column in columns
    ]
    value = sign({**statement(head, totals, witnessed), "columns": titles, "rows": rows}, signer)
    return Made(file_name(head, "json"), canonical_json.indented(value), b"", totals.visits)
