"""The check of what callers are signed in with. Tokens are bearer tokens; a browser may send a user's token as a
cookie, and then every unsafe request and every socket must come from the server's own pages, and nothing is read for a
page that the browser calls another site's."""

from collections.abc import Iterable

from aiohttp import hdrs, web

from broker.booking.drill import NAME
from broker.control.store.drills.officers import DrillOfficer
from broker.control.store.records import User as Account
from broker.control.store.secrets import token_hash
from broker.control.store.store import Store
from broker.kernel.errors import Forbidden, NotSignedIn
from broker.kernel.ids import SiteId, UserId
from signaling.auth.origin import is_own
from signaling.auth.scope import Caller, Integrator, Observer, Role, Terminal, User
from signaling.server.client_address import names_of_server, over_tls
from signaling.server.cookies import SESSION, read_cookie

SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
LONGEST_TOKEN = 256
FETCH_SITE = "Sec-Fetch-Site"  # how the browser itself compares the two origins; no script can set it
FOREIGN = frozenset({"cross-site", "same-site"})
"""What a browser says of a page that is not the server's own. Such a page cannot read the answer, but what is asked for
is journaled in the officer's name: it could fill the journal with viewings that never were."""


class Credentials:
    """The check of every credential after the sign-in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sign_out(self, user: User) -> None:
        """Revoke the token of a user."""
        await self._store.revoke_user_token(user.token)

    async def caller(self, request: web.Request) -> Caller:
        """Return the sender of a request. Raises NotSignedIn, or Forbidden for a cookie sent for a foreign page."""
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
        token = read_cookie(request, SESSION)
        if not token:
            return None
        if request.method not in SAFE or _is_socket(request):
            check_own_page(request)
        elif request.headers.get(FETCH_SITE) in FOREIGN:
            raise _foreign()
        caller = await self.holder(token)
        if not isinstance(caller, User):  # terminals and keys have no cookies
            raise NotSignedIn()
        return caller

    async def holder(self, token: str) -> Caller:
        """Return the holder of a token. Raises NotSignedIn for unknown, expired and revoked ones alike."""
        if not 8 <= len(token) <= LONGEST_TOKEN or not token.isascii():
            raise NotSignedIn()
        lookups = {
            "usr": self._user,
            "trs": self._terminal,
            "key": self._integrator,
            "obs": self._observer,
            "drl": self._synthetic,
        }
        lookup = lookups.get(token[:3])
        caller = await lookup(token) if lookup is not None else None
        if caller is None:
            raise NotSignedIn()
        return caller

    async def holders(self, sign_ins: Iterable[str]) -> dict[str, Caller]:
        """Return the holder of each of many sign-ins (`scope.sign_in_of`); those that have ended are left out. Raises
        StorageUnavailable."""
        asked = list(sign_ins)
        hashes = {token_hash(token): token for token in asked if " " not in token}
        instances = {(id, instance) for id, space, instance in (text.partition(" ") for text in asked) if space}
        holders: dict[str, Caller] = {}
        found = await self._store.holders(hashes, instances)
        for hashed, user in found.users.items():
            token = hashes[hashed]
            holders[token] = _officer(user, token)
        for (id, instance), terminal in found.terminals.items():
            holders[f"{id} {instance}"] = Terminal(terminal.id, terminal.room, terminal.site, "", instance)
        for hashed, key in found.keys.items():
            token = hashes[hashed]
            holders[token] = (Observer if token.startswith("obs") else Integrator)(key.id, key.name, token)
        for hashed, officer in found.synthetic.items():
            holders[hashes[hashed]] = _synthetic(officer, hashes[hashed])
        return holders

    async def _synthetic(self, token: str) -> User | None:
        officer = await self._store.drill_officer_by_token(token)
        return _synthetic(officer, token) if officer else None

    async def _user(self, token: str) -> User | None:
        user = await self._store.user_by_token(token)
        return _officer(user, token) if user else None

    async def _terminal(self, token: str) -> Terminal | None:
        terminal = await self._store.terminal_by_token(token)
        if terminal is None:
            return None
        return Terminal(terminal.id, terminal.room, terminal.site, token, terminal.instance)

    async def _integrator(self, token: str) -> Integrator | None:
        key = await self._store.api_key_by_token(token)
        return Integrator(key.id, key.name, token) if key else None

    async def _observer(self, token: str) -> Observer | None:
        key = await self._store.api_key_by_token(token)
        return Observer(key.id, key.name, token) if key else None


def _officer(account: Account, token: str) -> User:
    return User(account.id, account.name, Role(account.role), account.site, token, must_enrol=account.must_enrol)


def _synthetic(officer: DrillOfficer, token: str) -> User:
    """Return a drill's synthetic officer as a caller: a supervisor for whom that drill alone exists."""
    return User(UserId(officer.id), NAME, Role.SUPERVISOR, SiteId(officer.site), token, officer.session)


def check_own_page(request: web.Request) -> None:
    """Raise Forbidden unless the browser says that one of the server's own pages sent this. Browsers send Origin with
    all unsafe requests."""
    origin = request.headers.get(hdrs.ORIGIN, "")
    same = request.headers.get(FETCH_SITE, "") == "same-origin"
    if not is_own(origin, names_of_server(request), over_tls(request), same):
        raise _foreign()


def _foreign() -> Forbidden:
    return Forbidden("The request comes from another origin.", "请求来自其他站点，已拒绝。")


def _is_socket(request: web.Request) -> bool:
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
