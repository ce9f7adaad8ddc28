"""Sending a package by range. Each download is on disk in the journal before its first byte leaves, once a minute for
each officer and package. It ends when the package may no longer be fetched."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from broker.kernel.errors import Conflict, NotFound, StorageUnavailable, TooMany
from recorder.export.queue import Row
from signaling.api.playback import send
from signaling.auth.scope import author
from signaling.budgets.streams import Stream
from signaling.exports.worker import package_path
from signaling.server.ranges import part_of
from signaling.server.routes import Call

PACKAGE_TYPE = "application/zip"
LOOK = 5.0  # seconds between looks at whether the package may still be fetched


async def send_package(call: Call, row: Row) -> web.StreamResponse:
    """Answer with the package or the requested part. Raises NotFound, RangeNotSatisfiable, TooMany."""
    with call.context.streams.running(call.caller, call.request) as stream:
        return await _send(stream, call, row, package_path(call.context.settings, row["id"]))


async def _send(stream: Stream, call: Call, row: Row, path: Path) -> web.StreamResponse:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError:
        raise NotFound("The package is gone.", "移交包文件已不在，请重新申请。") from None
    try:
        size = await asyncio.to_thread(file.seek, 0, 2)
        tag = f'"{row["sha256"]}"'
        part = part_of(call.request.headers, tag, size, call.request.method)
        await _note(call, row)
        name = f'attachment; filename="huijian-{row["session"]}.zip"'
        answer = web.StreamResponse(status=part.status, headers={**part.headers(tag), "Content-Disposition": name})
        if part.status != 304:
            answer.content_type, answer.content_length = PACKAGE_TYPE, part.count
        await answer.prepare(call.request)
        if call.request.method != "HEAD":
            await send(stream, answer, file, part.start, part.count, _fetchable(call, row))
        return answer
    finally:
        await asyncio.to_thread(file.close)


def _fetchable(call: Call, row: Row) -> Callable[[], Awaitable[bool]]:
    """Return what tells, now and then, whether a package may still be fetched: it was not withdrawn, its time is not
    over and its recording stays."""
    context, looked = call.context, call.context.mono()

    async def fetchable() -> bool:
        nonlocal looked
        if context.mono() - looked < LOOK:
            return True
        looked = context.mono()
        try:
            await context.exports.fetchable(row["id"], call.user.id, context.now().wall)
        except (Conflict, NotFound, StorageUnavailable):
            return False
        return True

    return fetchable


async def _note(call: Call, row: Row) -> None:
    """Journal the download, and return when the entry is on disk. Raises StorageUnavailable where it cannot be."""
    context = call.context
    if not context.journal.healthy(context.mono()):
        raise StorageUnavailable("Downloads cannot be journaled at the moment.", "目前无法记录下载日志，暂停下载。")
    _note_once("ExportDownloaded", call, row)
    await context.journal.flush()  # also where this minute's entry is noted, by a request that may still wait


def note_seen(call: Call, row: Row) -> None:
    """Journal that the caller sees a request, which a page asks for again and again while its package is built."""
    _note_once("ExportSeen", call, row)


def _note_once(kind: str, call: Call, row: Row) -> None:
    """Journal an access, once a minute for each officer and request. Raises TooMany where no entry can be noted."""
    context, caller = call.context, author(call.caller)
    access = f"{caller} {kind} {row['id']}"
    try:
        context.plays.take(access, context.mono())
    except TooMany:
        return
    try:
        context.journal.note_access(kind, row["session"], caller, {"export": row["id"]})
    except TooMany:
        context.plays.give_back(access)
        raise
