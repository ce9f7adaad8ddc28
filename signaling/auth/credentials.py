"""Sign-in and the check of credentials. Tokens are bearer tokens; a browser may send a user's token as a cookie, and
then every unsafe request and every socket must come from the server's own pages."""

import asyncio
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from broker.control.store.secrets import verify_password
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import Forbidden, NotSignedIn
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Caller, Integrator, Observer, Role, Terminal, User

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
        self._by_both = Limit(burst=5, per_minute=5)  # so that guesses from elsewhere do not lock an officer out
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    async def sign_in(self, user: str, password: str, address: str) -> tuple[User, datetime]:
        """Issue a token for a user; return it with the moment at which it expires.

        Raises TooMany, or NotSignedIn in the same time and words whether the user or the password is unknown.
        Attempts are paid before the hashing and returned after a success, so many at once gain nothing.
        """
        now = self._clock.now()
        self._by_address.take(address, now.mono)
        self._by_user.take(user, now.mono)
        self._by_both.take(f"{user} {address}", now.mono)
        record = await self._store.user_named(user)
        async with self._hashing:
            fits = await verify_password(record.password_hash if record else None, password)
        if not fits or record is None or record.disabled:
            raise NotSignedIn("User or password is wrong.", "用户名或密码错误。")
        self._by_address.give_back(address)
        self._by_user.give_back(user)
        self._by_both.give_back(f"{user} {address}")
        token = await self._store.issue_user_token(record.id, TTL)
        return User(record.id, record.name, Role(record.role), record.site, token), now.wall + TTL

    async def sign_out(self, user: User) -> None:
        """Revoke the token of a user."""
        await self._store.revoke_user_token(user.token)

    async def caller(self, request: web.Request) -> Caller:
        """Return the sender of a request. Raises NotSignedIn, or Forbidden for a cookie sent from a foreign page."""
        caller = await self.caller_or_none(request)
        if caller is None:
            raise NotSignedIn()
        return caller

    async def caller_or_none(self, request: web.Request) -> Caller | None:
        """Like `caller`, but return None where the request carries no credential at all."""
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
        caller = await self.holder(token)
        if not isinstance(caller, User):  # terminals and keys have no cookies
            raise NotSignedIn()
        return caller

    async def holder(self, token: str) -> Caller:
        """Return the holder of a token. Raises NotSignedIn for unknown, expired and revoked ones alike."""
        if not 8 <= len(token) <= LONGEST_TOKEN or not token.isascii():
            raise NotSignedIn()
        lookups = {"usr": self._user, "trm": self._terminal, "key": self._integrator, "obs": self._observer}
        lookup = lookups.get(token[:3])
        caller = await lookup(token) if lookup is not None else None
        if caller is None:
            raise NotSignedIn()
        return caller

    async def _user(self, token: str) -> User | None:
        user = await self._store.user_by_token(token)
        return User(user.id, user.name, Role(user.role), user.site, token) if user else None

    async def _terminal(self, token: str) -> Terminal | None:
        terminal = await self._store.terminal_by_token(token)
        return Terminal(terminal.id, terminal.room, terminal.site, token) if terminal else None

    async def _integrator(self, token: str) -> Integrator | None:
        key = await self._store.api_key_by_token(token)
        return Integrator(key.id, key.name, token) if key else None

    async def _observer(self, token: str) -> Observer | None:
        key = await self._store.api_key_by_token(token)
        return Observer(key.id, key.name, token) if key else None


def check_own_page(request: web.Request) -> None:
    """Raise Forbidden unless the browser says that one of the server's own pages sent this (same host and port).

    The scheme is left out: behind a TLS proxy requests arrive as plain HTTP. Browsers send Origin with all unsafe
    requests.
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
