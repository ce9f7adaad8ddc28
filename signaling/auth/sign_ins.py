"""Sign-in: who may try, in which lane the password is hashed, and what a success leaves behind: a token, a place from
which the account signs in, and a device that knows it."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.records import User as Account
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import Busy, NotSignedIn, TooMany, VisitError
from signaling.auth.attacks import Attacks
from signaling.auth.devices import Devices
from signaling.auth.guesses import Guesses, Origin
from signaling.auth.hashing import Hashing
from signaling.auth.hashing_queue import network_of
from signaling.auth.scope import Role, User

log = structlog.get_logger("signaling")
TTL = timedelta(hours=12)  # one long duty
REFUSED = "SignInRefused"
"""Kind under which the journal counts refused sign-ins."""
ATTACKED = "AccountAttacked"
"""Journal kind of an attack on an account: one entry a minute."""
ACCOUNTS = 4096


@dataclass(frozen=True, slots=True)
class Success:
    """A sign-in: `device` is the cookie by which the browser is known from now on."""

    user: User
    expires: datetime
    device: str


class SignIns:
    """All sign-ins of one process. `device_key` is the installation's secret for the cookies of devices; `issued` is
    called with each user who has been given a token."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        device_key: bytes,
        hashing: Hashing | None = None,
        issued: Callable[[User], None] = lambda user: None,
    ) -> None:
        self._store, self._journal, self._clock = store, journal, clock
        self._devices, self._guesses = Devices(device_key), Guesses()
        self._hashing = hashing or Hashing(clock)
        self._issued = issued
        self._accounts: OrderedDict[str, None] = OrderedDict()  # names that are accounts, as far as they were tried
        self.attacks = Attacks()

    async def sign_in(self, user: str, password: str, address: str, device: str = "") -> Success:
        """Check a password and issue a token. `device`: the cookie of the browser's device, "" where it sent none.

        Raises TooMany, Busy, or NotSignedIn in the same time and words whether the user or the password is unknown.
        """
        now = self._clock.now()
        origin = Origin(address, self._devices.known(device, user, now.wall.timestamp()))
        try:
            account = await self._checked(user, password, origin)
        except (NotSignedIn, TooMany, Busy) as error:
            self._refused(user, error, origin)
            raise
        self._guesses.remember(user, origin, now.mono)
        token = await self._store.issue_user_token(account.id, TTL)
        signed_in = User(account.id, account.name, Role(account.role), account.site, token)
        self._issued(signed_in)
        return Success(signed_in, now.wall + TTL, self._devices.issue(device, user, now.wall.timestamp()))

    async def watch_attacks(self) -> None:
        """Journal attacks as they go on, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.write_attacks()

    def counters(self) -> dict[str, int]:
        """Return the counters for the metrics: refused sign-ins, attacks on accounts that were seen, and attempts that
        wait for their hash."""
        return {
            "sign_ins_refused": self.attacks.refused,
            "accounts_attacked": self.attacks.seen,
            "now_hashing_queued": self._hashing.waiting,
        }

    def write_attacks(self) -> None:
        """Journal the attacks that are seen. Something calls it at least once a minute."""
        for account, refused in self.attacks.due(self._clock.now().mono).items():
            self._journal.note(ATTACKED, None, "sign_in", refused.to_json(account))
            log.warning("an account is being guessed at", user=account, refused=refused.wrong + refused.limited)

    def close(self) -> None:
        """End what hashes, when its last hash is done; write what was seen."""
        self.write_attacks()
        self._hashing.close()

    async def _checked(self, user: str, password: str, origin: Origin) -> Account:
        attempt = self._guesses.admit(user, origin, self._clock.now().mono)
        found: list[Account | None] = []

        async def stored() -> str | None:
            found.append(await self._account(user))
            return found[0].password_hash if found[0] else None

        try:
            fits = await self._hashing.fits(attempt.lane, origin.place, stored, password)
        except Busy:
            self._guesses.give_back(attempt, self._clock.now().mono)
            raise
        account = found[0]
        if not fits or account is None or account.disabled:
            raise NotSignedIn("User or password is wrong.", "用户名或密码错误。")
        self._guesses.give_back(attempt, self._clock.now().mono)
        return account

    async def _account(self, user: str) -> Account | None:
        account = await self._store.user_named(user)
        if account is not None:
            self._accounts[user] = None
            self._accounts.move_to_end(user)
            if len(self._accounts) > ACCOUNTS:
                self._accounts.popitem(last=False)
        return account

    def _refused(self, user: str, error: VisitError, origin: Origin) -> None:
        """Count a refusal under its account; a name that is none may be a password in the wrong field."""
        account = user if user in self._accounts else ""
        self.attacks.count(account, isinstance(error, NotSignedIn), origin.place, self._clock.now().mono)
        self._journal.count_refusal(REFUSED, error.code, network_of(origin.place), account)
        self.write_attacks()
