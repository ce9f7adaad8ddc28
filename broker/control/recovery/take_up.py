"""The sessions that a starting control process takes up: those of an earlier process, and those that are scheduled.
Each comes with what is on record about it now."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from broker.control.recovery.row_watch import NEAR, on_record
from broker.control.store.store import Store
from broker.kernel.clock import Instant
from broker.kernel.ids import ApprovalId, SessionId
from broker.session.snapshot import from_json
from broker.session.state import Session, State
from broker.session.take_up import OnRecord

KEPT = timedelta(hours=24)
"""An ended session stays on the pages that long."""
MISSED = timedelta(days=31)
"""The service may be down that long and still notices what it missed (Yunnan 18)."""
HORIZON = timedelta(days=366)
"""Slots further away are read at a later start."""


async def found_sessions(store: Store, now: Instant, boot: str) -> AsyncIterator[tuple[Session, OnRecord]]:
    """Yield each session to take up, as it was saved, with what is on record about it. Raises StorageUnavailable."""
    snapshots = {snapshot.session: snapshot for snapshot in await store.unfinished_snapshots()}
    slots = {slot.session: slot for slot in await store.slots_between(now.wall - KEPT, now.wall + HORIZON)}
    for slot in await store.slots_missed(now.wall - MISSED, now.wall - KEPT):
        slots[slot.session] = slot  # the service was down for longer than that: they are booked again first
    withdrawn = await store.withdrawals(now.wall - KEPT)
    slots |= await store.slots_of((snapshots.keys() | withdrawn.keys()) - slots.keys())
    near = [slot for slot in slots.values() if slot.starts_at <= now.wall + NEAR]
    records = await on_record(store, near)
    for session, slot in slots.items():
        saved = snapshots.get(session) or await store.snapshot(session)
        if session in withdrawn and saved is not None and saved.state == State.ENDED:
            continue  # it ended as cancelled, or before
        record = records.get(session) or OnRecord(slot, withdrawn.get(session))
        record = replace(record, extensions=await _extensions(store, session))
        yield (from_json(slot, saved.data, now, boot) if saved else Session(slot)), record


async def _extensions(store: Store, session: SessionId) -> frozenset[ApprovalId]:
    return frozenset(approval.id for approval in await store.extensions_of(session))
