"""The door: whose credential is this, and does it still hold. Tokens are bearer tokens; a browser may show a user's
as a cookie, and then every unsafe request and every socket must come from our own pages."""

import asyncio
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from broker.control.store.secrets import verify_password
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import Forbidden, NotSignedIn
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Integrator, Observer, Role, Terminal, User, Who

COOKIE = "huijian"
TTL = timedelta(hours=12)  # one long duty
SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
LONGEST_TOKEN = 256
HASHES_AT_ONCE = 4  # each takes 64 MiB and a core for a tenth of a second


class Credentials:
    """Sign-in and the check of every credential after it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._by_address = Limit(burst=30, per_minute=30)
        self._by_user = Limit(burst=60, per_minute=20)  # guesses from many places together
        self._by_both = Limit(burst=5, per_minute=5)  # so that strangers elsewhere do not lock an officer out
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    async def sign_in(self, user: str, password: str, address: str) -> tuple[User, datetime]:
        """A fresh token for a user and when it expires.

        Raises TooMany, or NotSignedIn in the same time and words whether the user or the password is unknown.
        Attempts are paid before the hashing and returned after a success, so many at once gain nothing.
        """
        now = self._clock.now()
        self._by_address.take(address, now.mono)
        self._by_user.take(user, now.mono)
        self._by_both.take(f"{user} {address}", now.mono)
        known = await self._store.user_named(user)
        async with self._hashing:
            fits = await verify_password(known.password_hash if known else None, password)
        if not fits or known is None or known.disabled:
            raise NotSignedIn("User or password is wrong.", "用户名或密码错误。")
        self._by_address.give_back(address)
        self._by_user.give_back(user)
        self._by_both.give_back(f"{user} {address}")
        token = await self._store.issue_user_token(known.id, TTL)
        return User(known.id, known.name, Role(known.role), known.site, token), now.wall + TTL

    async def sign_out(self, user: User) -> None:
        """The token is worth nothing from now on."""
        await self._store.revoke_user_token(user.token)

    async def who(self, request: web.Request) -> Who:
        """Who sends this request. Raises NotSignedIn, or Forbidden for a cookie sent from a foreign page."""
        who = await self.known(request)
        if who is None:
            raise NotSignedIn()
        return who

    async def known(self, request: web.Request) -> Who | None:
        """Like `who`, but None where nothing was shown at all."""
        header = request.headers.get(hdrs.AUTHORIZATION)
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise NotSignedIn("The scheme must be Bearer.", "认证方式应为 Bearer。")
            return await self.holder(token.strip())
        token = request.cookies.get(COOKIE, "")
        if not token:
            return None
        if request.method not in SAFE or _is_socket(request):
            check_own_page(request)
        who = await self.holder(token)
        if not isinstance(who, User):  # terminals and keys have no cookies
            raise NotSignedIn()
        return who

    async def holder(self, token: str) -> Who:
        """Whose token this is. Raises NotSignedIn for unknown, expired and revoked ones alike."""
        if not 8 <= len(token) <= LONGEST_TOKEN or not token.isascii():
            raise NotSignedIn()
        ask = {"usr": self._user, "trm": self._terminal, "key": self._integrator, "obs": self._observer}.get(token[:3])
        who = await ask(token) if ask is not None else None
        if who is None:
            raise NotSignedIn()
        return who

    async def _user(self, token: str) -> User | None:
        user = await self._store.user_by_token(token)
        return User(user.id, user.name, Role(user.role), user.site, token) if user else None

    async def _terminal(self, token: str) -> Terminal | None:
        known = await self._store.terminal_by_token(token)
        return Terminal(known.id, known.room, known.site, token) if known else None

    async def _integrator(self, token: str) -> Integrator | None:
        key = await self._store.api_key_by_token(token)
        return Integrator(key.id, key.name, token) if key else None

    async def _observer(self, token: str) -> Observer | None:
        key = await self._store.api_key_by_token(token)
        return Observer(key.id, key.name, token) if key else None


def check_own_page(request: web.Request) -> None:
    """Raises Forbidden unless the browser says that one of our own pages sent this (same host and port).

    The scheme is left out: behind a TLS proxy we see plain HTTP. Browsers always send Origin with what is unsafe.
    """
    origin = request.headers.get(hdrs.ORIGIN, "")
    if not _same_host(origin, request.host):
        raise Forbidden("The request comes from another origin.", "请求来自其他站点，已拒绝。")


def _same_host(origin: str, host: str) -> bool:
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _is_socket(request: web.Request) -> bool:
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
