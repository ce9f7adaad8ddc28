"""Sending a recording, or a copy of one, by range. Files are read in threads; a player that goes away ends nothing but
its own answer. Each viewing is on disk in the journal before its first byte leaves, once a minute for each viewer and
recording."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from broker.kernel.errors import NotFound, StorageUnavailable, TooMany
from broker.kernel.ids import SessionId
from recorder.mp4.side_film import SideFilm
from signaling.auth.scope import author
from signaling.budgets.streams import Stream
from signaling.server.ranges import part_of
from signaling.server.routes import Call

Film = BinaryIO | SideFilm
CHUNK = 256 * 1024
FILM_TYPE = "video/mp4"


async def play(
    call: Call, session: str, path: Path, tag: str, copy: str, side: str | None = None
) -> web.StreamResponse:
    """Answer with a file of the archive, with one `side` of it, or with the requested part. Raises NotFound,
    RangeNotSatisfiable, TooMany."""
    with call.context.streams.running(call.caller, call.request) as stream:
        return await _play(stream, call, session, path, tag, copy, side)


async def _play(
    stream: Stream, call: Call, session: str, path: Path, tag: str, copy: str, side: str | None
) -> web.StreamResponse:
    try:
        file = await asyncio.to_thread(_open, path, call.context.settings.archive_dir, side)
    except (OSError, ValueError):
        raise NotFound() from None
    try:
        size = await asyncio.to_thread(file.seek, 0, 2)
        part = part_of(call.request.headers, f'"{tag}"', size, call.request.method)
        await note(call, session, copy)
        answer = web.StreamResponse(status=part.status, headers=part.headers(f'"{tag}"'))
        if part.status != 304:
            answer.content_type, answer.content_length = FILM_TYPE, part.count
        await answer.prepare(call.request)
        if call.request.method != "HEAD":
            await send(stream, answer, file, part.start, part.count)
        return answer
    finally:
        await asyncio.to_thread(file.close)


async def note(call: Call, session: str, copy: str) -> None:
    """Journal that the caller watches a copy, and return when the entry is on disk. Raises StorageUnavailable: what
    cannot be journaled is not shown, also to a viewer whose entry of this minute may still be waiting; and TooMany."""
    context, caller = call.context, author(call.caller)
    if not context.journal.healthy(context.mono()):
        raise StorageUnavailable("Viewings cannot be journaled at the moment.", "目前无法记录回看日志，暂停回看。")
    viewing = f"{caller} {session} {copy}"
    try:
        context.plays.take(viewing, context.mono())
    except TooMany:
        await context.journal.flush()  # this minute's entry is noted, by a request that may still wait for the disk
        return
    try:
        context.journal.note_access("RecordingPlayed", session, caller, {"copy": copy})
    except TooMany:
        context.plays.give_back(viewing)  # no entry of this minute was noted
        raise
    await context.journal.flush()
    context.history.want(SessionId(session))  # the viewer is among those who have watched the visit


async def send(
    stream: Stream,
    answer: web.StreamResponse,
    file: Film,
    start: int,
    count: int,
    allowed: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Send bytes of an open file, within the budgets; a reader that goes away ends nothing else. `allowed` is asked
    before each piece, and ends the answer by saying no."""
    try:
        await asyncio.to_thread(file.seek, start)
        while count and (data := await asyncio.to_thread(file.read, min(count, CHUNK))):
            if allowed is not None and not await allowed():
                stream.end()
                return
            await stream.write(answer, data)
            count -= len(data)
        await answer.write_eof()
    except ConnectionResetError:
        return  # the viewer has sought another place or left, or may not see more


def _open(path: Path, archive: Path, side: str | None) -> Film:
    """Open a file that lies in the archive, or one side of it. Raises OSError, ValueError."""
    real = path.resolve(strict=True)
    if not real.is_relative_to(archive.resolve()):
        raise ValueError("outside of the archive")
    file = real.open("rb")
    if side is None:
        return file
    try:
        return SideFilm(file, side)
    except BaseException:
        file.close()
        raise
