"""The sources of the history: a visit is put together from its slot, its session (as it runs, or as it was saved), the
journal, the catalog of recordings and the manifest. The same for a visit that runs and for the upgrade of an old
installation, so that the index can always be made anew."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from broker.booking.slot import Slot
from broker.control.journal import reader
from broker.control.journal.entry import Entry
from broker.control.store.store import Store
from broker.history.acts import acts_in, code_or_nothing
from broker.history.visit import Acts, Ending, Film, Visit, VisitState, state_of
from broker.kernel.ids import SessionId
from broker.session.effects import Reason
from broker.session.state import End, Session, State
from recorder.archive.catalog import ARCHIVED, PURGED, PURGING
from recorder.retention.rules import LEAST_MONTHS, due_at
from signaling.history.film_facts import film_of
from signaling.views.recordings import Recordings

log = structlog.get_logger()
PAGE = 1000
"""Entries of the journal that are read at once."""
HAS_FILM = (ARCHIVED, PURGING)


@dataclass(frozen=True, slots=True)
class _Saved:
    """The state of a session and its end, from wherever they are known."""

    state: State
    ending: Ending | None


class Sources:
    """Reads visits from their sources. `live` returns a session that runs or ended lately, None for others."""

    def __init__(
        self, store: Store, recordings: Recordings, archive: Path, live: Callable[[SessionId], Session | None]
    ) -> None:
        self._store, self._recordings, self._archive, self._live = store, recordings, archive, live

    async def visit(self, slot: Slot, now: datetime) -> Visit:
        """Return the visit of a slot as all sources have it now. Raises StorageUnavailable."""
        acts = acts_in(await self.entries(slot.session))
        recording = await self._recordings.one(slot.session, None)
        saved = await self._saved(slot, acts)
        state = state_of(saved.state, saved.ending, recording is not None and recording["state"] in HAS_FILM)
        if state is VisitState.SCHEDULED and slot.ends_at < now and self._live(slot.session) is None:
            state = VisitState.ENDED  # the service was down for so long that its session was never begun
        film = await self._film(recording)
        named = not _names_go(recording, saved.ending.at if saved.ending else slot.ends_at, now)
        return Visit(slot, state, acts, saved.ending, film, named)

    async def unnamed(self, ended: Sequence[tuple[str, datetime]], now: datetime) -> list[str]:
        """Return those of these sessions, each with its end (of one without an ending the time of its slot), whose
        people's names are not kept any more."""
        recordings = await self._recordings.of([session for session, _ in ended])
        return [session for session, at in ended if _names_go(recordings.get(session), at, now)]

    async def entries(self, session: str) -> list[Entry]:
        """Return all entries of the journal about a session, in order. Raises StorageUnavailable."""
        found: list[Entry] = []
        while batch := await reader.entries(self._store.engine, session, found[-1].seq if found else 0, PAGE):
            found += batch
            if len(batch) < PAGE:
                break
        return found

    async def _saved(self, slot: Slot, acts: Acts) -> _Saved:
        live = self._live(slot.session)
        if live is not None:
            return _Saved(live.state, _ending(live.end) if live.state is State.ENDED else None)
        snapshot = await self._store.snapshot(slot.session)
        if snapshot is not None:
            end = snapshot.data.get("end") if snapshot.state == State.ENDED else None
            return _Saved(State(snapshot.state), _ending(End.from_json(end)) if end else None)
        if acts.ending is not None:
            return _Saved(State.ENDED, acts.ending)
        cancelled = (await self._store.cancellations([slot.session])).get(slot.session)
        if cancelled is not None:
            at, code = cancelled
            return _Saved(State.ENDED, Ending(str(Reason.CANCELLED), at, article=code))
        return _Saved(State.SCHEDULED, None)

    async def _film(self, recording: Mapping[str, Any] | None) -> Film | None:
        """Return what the manifest of a recording says. None where it is damaged: the visit is found all the same."""
        if recording is None or recording["state"] not in HAS_FILM or not recording["path"]:
            return None
        try:
            return await asyncio.to_thread(film_of, self._archive / recording["path"])
        except Exception as error:  # whatever a file that was changed makes of its reader
            log.error("a manifest cannot be read", session=recording["session"], why=type(error).__name__)
            return None


def _ending(end: End | None) -> Ending | None:
    if end is None:
        return None
    return Ending(str(end.reason), end.at, str(end.side or ""), end.article, code_or_nothing(end.cause))


def _names_go(recording: Mapping[str, Any] | None, ended: datetime, now: datetime) -> bool:
    """Whether the names of a visit's people are not kept any more: they go with its recording; without a recording
    after the time for which one would have been kept at least (Yunnan 13)."""
    if recording is not None:
        return bool(recording["state"] == PURGED)
    return now >= due_at(ended, LEAST_MONTHS)
