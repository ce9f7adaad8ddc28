"""Terminals of tests: each with a real key, enrolled in the store, and signed in without HTTP where a test is about
something else. Raw requests of tests take their bearer credential from here, and from nowhere else."""

import secrets
from datetime import timedelta

from broker.control.store.devices.sessions import Signed
from broker.control.store.store import Store
from huijian.demo.setup import DemoTerminal, enrol

LASTING = timedelta(days=3650)
"""Tests stop, step and forward their clocks; what ends a credential in time has tests of its own."""


async def signed_in(store: Store, terminal: str, instance: str = "", life: timedelta = LASTING) -> str:
    """Return a credential for a running program of a terminal, as a signature would have got it."""
    now = store.clock.now().wall
    signed = Signed(terminal, instance or secrets.token_hex(16), secrets.token_hex(32), now)
    return await store.open_terminal_session(signed, life)


async def enrolled(store: Store, room: str) -> tuple[DemoTerminal, str]:
    """Enrol a terminal for a room; return it and a credential."""
    terminal = await enrol(store, room)
    return terminal, await signed_in(store, terminal.id)


async def token_of(store: Store, room: str) -> str:
    """Enrol a terminal for a room; return a credential."""
    return (await enrolled(store, room))[1]
