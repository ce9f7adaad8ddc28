"""The agent's word to systemd (sd_notify(3)): READY=1 once the terminal works, then WATCHDOG=1 as long as its loop and
its page are alive. Without such words systemd starts the terminal again. The protocol is one datagram a word, to the
socket that NOTIFY_SOCKET names; without one nothing is sent."""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"
LOOK_EVERY = 2.0
"""Seconds between looks whether the terminal works; each is a word where it does. systemd waits for two minutes."""


class Watchdog:
    """Sender of these words to systemd. `alive` tells whether the terminal works; `environment` is where systemd says
    how to reach it."""

    def __init__(self, environment: Mapping[str, str], alive: Callable[[], bool]) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._alive = alive

    async def run(self) -> None:
        """Send words until cancelled, the last of them that the program ends."""
        if not self._address:
            return
        try:
            while not self._alive():
                await asyncio.sleep(LOOK_EVERY)
            self._send(READY)
            while True:
                if self._alive():
                    self._send(ALIVE)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            self._send(STOPPING)

    def _send(self, word: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
                out.sendto(word.encode(), self._address)
        except OSError as error:
            log.warning("systemd does not take the word", extra={"error": error})
