"""`huijian ledger`: makes the ledger of a site, with its signature beside it, and journals that."""

import base64
import json as json_
import tempfile
import zipfile
from calendar import monthrange
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.kernel.clock import SystemClock, in_shanghai
from broker.kernel.errors import BadRequest
from config import private_files
from huijian.admin.context import AdminContext
from huijian.output import Json, free_file, say
from huijian.remote.server import Api, perform, works_remotely
from recorder.export.cover_sheet import NoFont
from signaling.ledgers.build import build
from signaling.ledgers.entry import Entry, Request
from signaling.ledgers.order import FAILURES, Format, Made, Order, file_name, journaled
from signaling.ledgers.seal import BESIDE
from signaling.ledgers.source import LedgerSource, bounds
from signaling.views.names import Names
from signaling.views.recordings import Recordings


@works_remotely
def ledger(
    ctx: typer.Context,
    site: Annotated[str, typer.Argument(help="The site's id.")],
    day: Annotated[str | None, typer.Option(help="A day in Asia/Shanghai, as 2026-11-30; default: today.")] = None,
    month: Annotated[str | None, typer.Option(help="A month, as 2026-11.")] = None,
    format: Annotated[Format, typer.Option(help="A workbook, pages, JSON, or all three in one file.")] = "xlsx",
    out: Annotated[Path | None, typer.Option(help="A new file; default: ledger-SITE-DAYS.FORMAT here.")] = None,
    public: Annotated[bool, typer.Option("--public", help="The version without names, to be made public.")] = False,
    json: Json = False,
) -> None:
    """Make the ledger of a site's visits, signed. 台账

    Every visit that was booked for these days is a row, whatever became of it. The signature lies beside the file as
    NAME.sig.json (inside it for JSON and ZIP); huijian verify --ledger NAME checks both. The file has names in it and
    is open to its owner alone; with --public it has none.
    """
    since, until = _days(day, month)
    request = Request(site=site, since=since, until=until, public=public)
    bounds(request)

    async def work(admin: AdminContext) -> dict[str, Any]:
        made, head = await _make(admin, request, format)
        target = out or Path(file_name(head, format))
        _write(target, made)
        await admin.note("LedgerMade", **journaled(request, format, made.visits))
        return {"file": str(target), "visits": made.visits, "chain_head": head.chain_head}

    def ask(api: Api) -> dict[str, Any]:
        days = f"{since}" if since == until else f"{since}_{until}"
        target = out or Path(f"ledger-{site}-{days}{'-public' if public else ''}.{format}")
        return _fetched(api, request, format, target)

    say(perform(ctx, work, ask), json)


def _fetched(api: Api, request: Request, format: Format, target: Path) -> dict[str, Any]:
    """Fetch a ledger from a server, with its signature beside it."""
    free_file(target.with_name(target.name + BESIDE))
    days = {"from": str(request.since), "to_": str(request.until)}
    public = "true" if request.public else None
    headers = api.download("ledgers", to=target, site=request.site, format=format, public=public, **days)
    signature = base64.b64decode(headers.get("Huijian-Signature", ""))
    if signature:
        private_files.create(target.with_name(target.name + BESIDE), signature)
    value = json_.loads(signature) if signature else _inside(target)
    return {"file": str(target), "visits": value["totals"]["visits"], "chain_head": value["chain_head"]}


def _inside(target: Path) -> dict[str, Any]:
    """Return the signed statement in a ledger in JSON, or in one of the ledgers in a ZIP file."""
    data = target.read_bytes()
    if target.suffix != ".json":
        with zipfile.ZipFile(target) as packed:
            data = packed.read(next(name for name in packed.namelist() if name.endswith(BESIDE)))
    value: dict[str, Any] = json_.loads(data)
    return value


async def _make(admin: AdminContext, request: Request, format: Format) -> tuple[Made, Any]:
    """Make the file in memory and return it with its head. Raises VisitError, KeyProblem, OSError."""
    settings, clock = admin.settings, SystemClock()
    names = Names(admin.store, lambda: clock.now().mono)
    source = LedgerSource(admin.store, Recordings(admin.store.engine), names)
    head = await source.head(request, clock.now().wall, admin.author, admin.author)
    entries: list[Entry] = [entry async for entry in source.entries(request)]
    with tempfile.TemporaryDirectory(prefix="huijian-ledger-") as folder:
        order = Order(
            head=head,
            format=format,
            archive_dir=str(settings.archive_dir),
            keys_dir=str(settings.keys_dir),
            signing=settings.archive_signing,
            folder=folder,
        )
        try:
            return build(order, entries), head
        except NoFont:
            raise BadRequest(*FAILURES["no_font"]) from None


def _write(target: Path, made: Made) -> None:
    """Write the file and its signature, both or none. Raises Conflict where there is one of them."""
    signature = target.with_name(target.name + BESIDE)
    free_file(target)
    if made.signature:
        free_file(signature)
        private_files.create(signature, made.signature)
    try:
        private_files.create(target, made.data)
    except OSError:
        if made.signature:
            with suppress(OSError):
                signature.unlink()
        raise


def _days(day: str | None, month: str | None) -> tuple[date, date]:
    """Return the first and the last day. Raises BadParameter."""
    if day is not None and month is not None:
        raise typer.BadParameter("give a day or a month, not both. 日期和月份只能给一项")
    try:
        if month is not None:
            first = datetime.strptime(month, "%Y-%m").date()
            return first, first.replace(day=monthrange(first.year, first.month)[1])
        first = date.fromisoformat(day) if day is not None else in_shanghai(SystemClock().now().wall).date()
    except ValueError:
        raise typer.BadParameter("a day is spelled 2026-11-30, and a month 2026-11. 日期和月份须这样写") from None
    return first, first
