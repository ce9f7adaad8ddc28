"""Exports for tests: a visit with a recording in the archive of a running application."""

import asyncio
from datetime import timedelta

from recorder.archive.catalog import Catalog, columns
from tests.support.control.fixtures import TEN
from tests.support.patience import PATIENCE
from tests.support.recording.archives import archived, make_work

RECEIVER = "昆明市中级人民法院"
ORDER = {"reason": "庭审举证", "receiver": RECEIVER}
BUSY = ("approved", "building")


async def recorded_visit(front, seconds=1.0):
    """Return the session of a visit whose recording is archived."""
    session, root = await front.visit(), front.context.settings.archive_dir
    work = await asyncio.to_thread(make_work, root, session, TEN, seconds, site="first-prison")
    done = await asyncio.to_thread(archived, work, root, TEN + timedelta(seconds=seconds))
    row = {"session": session, "site": "first-prison", "announced": True, "created_at": TEN, **columns(done)}
    await Catalog(front.store.engine).put(row)
    front.at(timedelta(hours=1))
    return session


async def requested(front, session, caller="auditor", **changes):
    """Return a request for an export."""
    path = f"/api/v1/recordings/{session}/exports"
    answer = await front.ask("POST", path, caller, json={**ORDER, **changes})
    assert answer.status == 201, answer.data
    return answer.data


async def built(front, export, caller="auditor"):
    """Return a request when its package is no longer being built."""
    async with asyncio.timeout(PATIENCE):
        while (view := (await front.ask("GET", f"/api/v1/exports/{export}", caller)).data)["state"] in BUSY:
            await asyncio.sleep(0.05)
    return view
