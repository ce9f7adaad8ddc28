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
        verification.state = "sound"

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
