"""The verification of recordings goes on, whatever becomes of one of them."""

import asyncio
from contextlib import suppress

from config.settings import Settings
from signaling.history.verifications import Verifications
from tests.support.control.fixtures import StoodClock
from tests.support.patience import PATIENCE


async def test_a_fault_that_was_not_foreseen_fails_one_verification(tmp_path, monkeypatch):
    done = asyncio.Queue()
    verifications = Verifications(Settings(data_dir=tmp_path), StoodClock(), store=None, done=done.put)

    async def verify(verification):
        if verification.session == "ses_a":
            raise RuntimeError("unforeseen")
        return "sound", []

    monkeypatch.setattr(verifications, "_verify", verify)
    task = asyncio.create_task(verifications.run())
    for session in ("ses_a", "ses_b"):
        verifications.order(session, "hash", 1)
    async with asyncio.timeout(PATIENCE):
        states = [(found.session, found.state) for found in (await done.get(), await done.get())]
    assert states == [("ses_a", "failed"), ("ses_b", "sound")]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_one_that_is_not_stored_yet_still_runs(tmp_path, monkeypatch):
    storing, stored = asyncio.Queue(), asyncio.Event()

    async def store(found):
        await storing.put(found)
        await stored.wait()

    async def verify(verification):
        return "damaged", [{"code": "bytes"}]

    verifications = Verifications(Settings(data_dir=tmp_path), StoodClock(), store=None, done=store)
    monkeypatch.setattr(verifications, "_verify", verify)
    task = asyncio.create_task(verifications.run())
    verifications.order("ses_a", "hash", 1)
    async with asyncio.timeout(PATIENCE):
        found = await storing.get()
    assert (found.state, found.findings) == ("damaged", [{"code": "bytes"}])
    assert (await verifications.of("ses_a")).state == "running"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
