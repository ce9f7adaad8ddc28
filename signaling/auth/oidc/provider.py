"""The identity service (OpenID Connect Core 1.0): discovery, the address to which a browser is sent with PKCE and a
nonce, and the check of the answer. The only file that uses Authlib, which is an extra."""

import asyncio
import json
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import structlog

from broker.kernel.clock import Clock
from broker.kernel.errors import IdentityRefused, ProviderUnavailable
from config import private_files
from config.access.sign_in import IdentityProvider
from config.network import NoServer, server_url

log = structlog.get_logger("signaling")
TIMEOUT = aiohttp.ClientTimeout(total=5)  # seconds: a person waits
LARGEST = 256 * 1024  # bytes of an answer
LEEWAY = 60  # seconds by which the two clocks may differ
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
AT_ONCE = 4
TURN_SECONDS = 1.0
"""A request waits no longer for its turn: sign-ins that wait for the service must not keep the pages from others."""
KEPT_SECONDS = 300.0
"""For so long the service's description of itself counts."""
DOWN_SECONDS = 10.0
"""After a failure the service is not asked for its description again for so long."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in by the service, as the browser's cookie carries it, sealed. `began`: Unix seconds; `user`: the
    account that is to be linked, "" for a sign-in."""

    state: str
    nonce: str
    verifier: str
    began: float
    user: str = ""

    @classmethod
    def new(cls, now: datetime, user: str = "") -> "Attempt":
        """Return an attempt that begins now, with secrets of its own."""
        texts = (secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        return cls(*texts, now.timestamp(), user)


class Provider:
    """The identity service of an installation. Its description of itself is kept for a while, so that the first step of
    a sign-in asks it nothing; its keys are asked for anew each time, because they change when it likes."""

    def __init__(self, settings: IdentityProvider, clock: Clock) -> None:
        self.settings, self._clock = settings, clock
        self._turns, self._describing = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
        self._description: dict[str, Any] | None = None  # None: it could not be had
        self._counts_until = 0.0

    async def address_for(self, attempt: Attempt) -> str:
        """Return the address to which the browser is sent. The service is to ask the person to sign in anew, because
        another one may still be signed in there: computers of a duty room are shared. Raises ProviderUnavailable."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "prompt": "login",
            "max_age": "0",
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        address = (await self._discovered())["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def subject_of(self, code: str, attempt: Attempt, now: datetime) -> str:
        """Return the service's name for the person that a code stands for. Raises IdentityRefused or
        ProviderUnavailable."""
        found = await self._discovered()
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "client_id": self.settings.client_id,
            "code_verifier": attempt.verifier,
        }
        answer = await self._ask("POST", found["token_endpoint"], body)
        keys = await self._ask("GET", found["jwks_uri"])
        return self._checked(answer, keys, found["issuer"], attempt, now)

    def _checked(
        self, answer: dict[str, Any], keys: dict[str, Any], issuer: str, attempt: Attempt, now: datetime
    ) -> str:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        client = self.settings.client_id
        options = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client},
        }
        try:
            token = jwt.decode(answer["id_token"], KeySet.import_key_set(keys), ALGORITHMS)  # type: ignore[arg-type]
            params = {"nonce": attempt.nonce, "client_id": client}
            CodeIDToken(token.claims, token.header, options, params).validate(int(now.timestamp()), LEEWAY)
            subject = token.claims["sub"]
        except (JoseError, KeyError, TypeError, ValueError) as error:
            log.warning("an identity service's answer is refused", error=type(error).__name__)
            raise IdentityRefused() from None
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise IdentityRefused()
        if not _is_fresh(token.claims.get("auth_time"), attempt, now):
            log.warning("an identity service has not asked its person to sign in")
            raise IdentityRefused()
        return subject

    async def _discovered(self) -> dict[str, Any]:
        """Return the service's own description, as it was had lately or is had now. Raises ProviderUnavailable."""
        if self._clock.now().mono >= self._counts_until:
            async with _turn(self._describing):
                if self._clock.now().mono >= self._counts_until:  # and no other request has asked meanwhile
                    await self._describe()
        if self._description is None:
            raise ProviderUnavailable()
        return self._description

    async def _describe(self) -> None:
        self._description = None
        try:
            self._description = await self._described()
        except IdentityRefused:  # no description at all
            log.warning("an identity service does not describe itself")
        except ProviderUnavailable:
            pass  # which was logged
        kept = DOWN_SECONDS if self._description is None else KEPT_SECONDS
        self._counts_until = self._clock.now().mono + kept

    async def _described(self) -> dict[str, Any]:
        """Ask for the service's own description, whose addresses are TLS, too. Raises IdentityRefused or
        ProviderUnavailable."""
        found = await self._ask("GET", f"{self.settings.issuer}/.well-known/openid-configuration")
        try:
            if found["issuer"].rstrip("/") != self.settings.issuer:
                raise ValueError("another issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                server_url(found[name].partition("?")[0])
        except (KeyError, AttributeError, ValueError, NoServer) as error:
            log.warning("an identity service describes itself wrongly", error=type(error).__name__)
            raise ProviderUnavailable() from None
        return found

    async def _ask(self, method: str, address: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        headers = self._credential() if form is not None else {}
        try:
            async with _turn(self._turns), aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as http:
                request = http.request(method, address, data=form, headers=headers, allow_redirects=False)
                async with request as response:
                    if response.status in (400, 401, 403):
                        raise IdentityRefused()
                    if response.status != 200:
                        raise ProviderUnavailable()
                    answer = json.loads(await _read(response))
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            log.warning("an identity service does not answer", error=type(error).__name__)
            raise ProviderUnavailable() from None
        if not isinstance(answer, dict):
            raise ProviderUnavailable()
        return answer

    def _credential(self) -> dict[str, str]:
        """Return the header by which this installation shows who it is; none for a public client (RFC 6749, 2.3.1)."""
        file = self.settings.client_secret_file
        if file is None:
            return {}
        secret = private_files.read(file).decode().strip()
        pair = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore | asyncio.Lock) -> AsyncIterator[None]:
    """Take a turn for the block. Raises ProviderUnavailable where none comes soon."""
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await turns.acquire()
    except TimeoutError:
        raise ProviderUnavailable() from None
    try:
        yield
    finally:
        turns.release()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer. Raises ProviderUnavailable as soon as it is too long, whatever length it names."""
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > LARGEST:
            raise ProviderUnavailable()
    return bytes(body)


def _is_fresh(signed_in_at: object, attempt: Attempt, now: datetime) -> bool:
    """Whether a person has signed in at the service for this attempt, by the claim `auth_time` (Unix seconds)."""
    if isinstance(signed_in_at, bool) or not isinstance(signed_in_at, int | float):
        return False
    return attempt.began - LEEWAY <= signed_in_at <= now.timestamp() + LEEWAY
