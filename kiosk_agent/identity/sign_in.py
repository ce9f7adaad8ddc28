"""The sign-in of a running terminal program: a challenge of the server, signed by the terminal's key, is exchanged for
a credential of some minutes, at each connect and again before the credential ends. The credential is in memory only."""

import asyncio
import logging
import secrets

import aiohttp

from broker.kernel.errors import ChallengeRefused, VisitError
from config.lines.records import word_of
from kiosk_agent.identity.enrolment import NoAnswer, ask, encoded, origin_of
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import KeyUnusable
from signaling.api.messages.identity import (
    Challenge,
    ChallengeAsked,
    TerminalSession,
    TerminalSignIn,
    session_text,
)

log = logging.getLogger(__name__)

AGAIN = 15.0
"""Seconds between attempts to renew a credential that fail; it lasts for minutes more."""


class TerminalCredential:
    """The credential of this running program, which has made a name for itself: by these names two programs with one
    key are told apart."""

    def __init__(self, http: aiohttp.ClientSession, server: str, identity: Identity) -> None:
        self.instance = secrets.token_hex(16)
        self._http, self._server, self._identity = http, server, identity
        self._token, self._seconds = "", 0
        self._signing = asyncio.Lock()
        self._signed = asyncio.Event()

    @property
    def token(self) -> str:
        """The present credential, "" before the first sign-in."""
        return self._token

    async def sign_in(self) -> None:
        """Get a new credential for a signature. Raises VisitError (refused), NoAnswer, or KeyUnusable."""
        async with self._signing:
            try:
                session = await self._session()
            except ChallengeRefused:  # it took too long on the way, or the server has another secret by now
                session = await self._session()
            self._token, self._seconds = session.token, session.seconds
            self._signed.set()

    async def _session(self) -> TerminalSession:
        server, terminal = self._server, self._identity.terminal
        challenge = await ask(self._http, server, "challenges", ChallengeAsked(terminal=terminal), Challenge)
        origin = origin_of(server)
        text = session_text(origin, terminal, self.instance, challenge.nonce)
        signature = encoded(await asyncio.to_thread(self._identity.key.sign, text))
        body = TerminalSignIn(
            terminal=terminal, instance=self.instance, nonce=challenge.nonce, origin=origin, signature=signature
        )
        return await ask(self._http, server, "sessions", body, TerminalSession)

    async def keep(self) -> None:
        """Renew the credential after half of its life, each time, until cancelled. While that fails it is tried again;
        the socket is closed by the server when the credential has ended, and the next connect signs in."""
        await self._signed.wait()
        while True:
            await asyncio.sleep(self._seconds / 2)
            while not await self._renewed():
                await asyncio.sleep(AGAIN)

    async def _renewed(self) -> bool:
        try:
            await self.sign_in()
        except (VisitError, NoAnswer, KeyUnusable) as error:
            log.warning("the credential is not renewed; trying again", extra={"error": word_of(error)})
            return False
        return True
