"""Sign-in: who may try, in which lane the password is hashed, the second factor, and what a success leaves behind: a
token, a place from which the account signs in, and a device that knows it."""

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
from broker.kernel.errors import Busy, IdentityRefused, NotSignedIn, TooMany, VisitError
from config.settings import Settings
from signaling.api.messages.sign_in import Proof
from signaling.auth.attacks import Attacks
from signaling.auth.devices import Devices, words_for
from signaling.auth.factors.checks import Aim, FactorChecks, Used
from signaling.auth.factors.security_key import Place
from signaling.auth.guesses import Guesses, Origin
from signaling.auth.hashing import Hashing
from signaling.auth.hashing_queue import network_of, place_of
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Role, User

log = structlog.get_logger("signaling")
ENROLMENT = timedelta(minutes=30)
"""A sign-in for setting up a second factor lasts so long."""
REFUSED = "SignInRefused"
"""Kind under which the journal counts refused sign-ins."""
ATTACKED = "AccountAttacked"
"""Journal kind of an attack on an account: one entry a minute."""
ACCOUNTS = 4096


@dataclass(frozen=True, slots=True)
class Success:
    """A sign-in: `device` is the cookie by which the browser is known from now on, "" where it is not; `factor`: the
    kind of the second factor that was shown, "" for none."""

    user: User
    expires: datetime
    device: str
    factor: str = ""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where an attempt comes from. `device`: the cookie by which a browser is known, `agent`: what the program calls
    itself (User-Agent), `page`: the server's own page that asks, None for programs."""

    address: str
    device: str = ""
    agent: str = ""
    page: Place | None = None


class SignIns:
    """All sign-ins of one process. `device_key` is the installation's secret for the cookies of devices; `issued` is
    called with each user who has been given a token."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        device_key: bytes,
        factors: FactorChecks,
        settings: Settings,
        hashing: Hashing | None = None,
        issued: Callable[[User], None] = lambda user: None,
    ) -> None:
        self._store, self._journal, self._clock = store, journal, clock
        self._devices, self._guesses = Devices(device_key), Guesses()
        self._hashing = hashing or Hashing(clock)
        self._issued, self.factors, self._settings = issued, factors, settings
        self._accounts: OrderedDict[str, None] = OrderedDict()  # names that are accounts, as far as they were tried
        self._invitations = Limit(burst=10, per_minute=10)
        self._ways = Limit(burst=20, per_minute=20)
        self.attacks = Attacks()

    async def sign_in(self, user: str, password: str, browser: Browser) -> Success:
        """Check a password and issue a token, where no second factor is to be shown. An officer who needs one and has
        none gets a token for setting it up.

        Raises SecondFactorNeeded, TooMany, Busy, or NotSignedIn in the same time and words whether the user or the
        password is unknown.
        """
        return await self._first_step(await self.check_password(user, password, browser), browser)

    async def sign_in_by_identity(self, user: str, browser: Browser) -> Success:
        """Sign in the account that the identity service's person is linked to, in the place of a password. Raises
        IdentityRefused or SecondFactorNeeded."""
        account = await self._store.user_named(user) if user else None
        if account is None or account.disabled:
            raise IdentityRefused()
        return await self._first_step(account, browser)

    async def _first_step(self, account: Account, browser: Browser) -> Success:
        await self.factors.ask(account)
        if self._settings.needs_second_factor(account.role):
            return await self._enrolling(account, browser)
        return await self._success(account, browser)

    async def sign_in_by_factor(self, ticket: str, proof: Proof, browser: Browser) -> Success:
        """Check the second factor for a ticket and issue a token. Raises NotSignedIn or TooMany."""
        try:
            account = await self.factors.account_of(ticket)
        except NotSignedIn:
            self.attacks.count("", True, self._origin("", browser).place, self._clock.now().mono)
            raise
        used = await self.check_factor(account, proof, browser, Aim.SIGN_IN)
        self.factors.use_up(ticket)
        return await self._success(account, browser, str(used.kind))

    async def check_password(self, user: str, password: str, browser: Browser) -> Account:
        """Check a password under the limits on guesses, and return its account. Raises NotSignedIn, TooMany or Busy."""
        origin = self._origin(user, browser)
        try:
            return await self._checked(user, password, origin)
        except (NotSignedIn, TooMany, Busy) as error:
            self._refused(user, error, origin)
            raise

    async def check_factor(self, account: Account, proof: Proof, browser: Browser, aim: Aim, without: str = "") -> Used:
        """Check a second factor under the limits on guesses, but not the factor with the id `without`. Raises
        NotSignedIn or TooMany."""
        origin = self._origin(account.id, browser)
        try:
            return await self.factors.check(account, proof, origin, browser.page, aim, without)
        except (NotSignedIn, TooMany) as error:
            self.attacks.count(account.id, isinstance(error, NotSignedIn), origin.place, self._clock.now().mono)
            self.write_attacks()
            raise

    def pay_for_provider(self, address: str) -> None:
        """Charge a way to or from the identity service to the place that it comes from. Raises TooMany."""
        self._ways.take(place_of(address), self._clock.now().mono)

    def give_back_for_provider(self, address: str) -> None:
        """Return what the way to the identity service was charged, when it has led to an officer of this place."""
        self._ways.give_back(place_of(address))

    def pay_for_invitation(self, address: str) -> None:
        """Charge an attempt at an invitation to the place that it comes from. Raises TooMany."""
        self._invitations.take(place_of(address), self._clock.now().mono)

    def span_of(self, role: str) -> tuple[timedelta, int]:
        """Return for how long a sign-in of this role lasts, and after how many seconds without use it ends."""
        rules = self._settings.sign_in
        return timedelta(hours=rules.hours_of(role)), rules.idle_seconds_of(role)

    async def _enrolling(self, account: Account, browser: Browser) -> Success:
        """Issue a token with which a second factor can be set up, and nothing else done. The browser is not known by
        it, nor is its place a usual one."""
        words = words_for(browser.agent)
        token = await self._store.issue_user_token(account.id, ENROLMENT, device=words, must_enrol=True)
        user = User(account.id, account.name, Role(account.role), account.site, token, must_enrol=True)
        self._issued(user)
        return Success(user, self._clock.now().wall + ENROLMENT, "")

    async def _success(self, account: Account, browser: Browser, factor: str = "") -> Success:
        now, (ttl, idle) = self._clock.now(), self.span_of(account.role)
        origin = self._origin(account.id, browser)
        self._guesses.remember(account.id, origin, now.mono)
        self.factors.remember(account.id, origin)
        token = await self._store.issue_user_token(account.id, ttl, idle=idle, device=words_for(browser.agent))
        user = User(account.id, account.name, Role(account.role), account.site, token)
        self._issued(user)
        cookie = self._devices.issue(browser.device, account.id, now.wall.timestamp())
        return Success(user, now.wall + ttl, cookie, factor)

    def _origin(self, user: str, browser: Browser) -> Origin:
        at = self._clock.now().wall.timestamp()
        return Origin(browser.address, self._devices.known(browser.device, user, at))

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
