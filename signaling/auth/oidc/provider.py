"""The identity service (OpenID Connect Core 1.0): discovery, the address to which a browser is sent with PKCE and a
nonce, and the check of the answer. The only file that uses Authlib, which is an extra."""

import asyncio
import secrets
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import structlog

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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in by the service, as the browser's cookie carries it, sealed. `user`: the account that is to be linked,
    "" for a sign-in."""

    state: str
    nonce: str
    verifier: str
    user: str = ""

    @classmethod
    def new(cls, user: str = "") -> "Attempt":
        """Return an attempt with secrets of its own."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), user)


class Provider:
    """The identity service of an installation. Its answers are asked for anew each time: sign-ins are seldom, and its
    keys change when it likes."""

    def __init__(self, settings: IdentityProvider) -> None:
        self.settings = settings
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def address_for(self, attempt: Attempt) -> str:
        """Return the address to which the browser is sent. Raises ProviderUnavailable."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
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
        return self._checked(answer, keys, attempt, now)

    def _checked(self, answer: dict[str, Any], keys: dict[str, Any], attempt: Attempt, now: datetime) -> str:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        client = self.settings.client_id
        options = {
            "iss": {"essential": True, "value": self.settings.issuer},
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
        return subject

    async def _discovered(self) -> dict[str, str]:
        """Return the service's own description, whose addresses are TLS, too. Raises ProviderUnavailable."""
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
            async with self._turns, aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as http:
                request = http.request(method, address, data=form, headers=headers, allow_redirects=False)
                async with request as response:
                    if response.status in (400, 401, 403):
                        raise IdentityRefused()
                    if response.status != 200 or (response.content_length or 0) > LARGEST:
                        raise ProviderUnavailable()
                    answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
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
