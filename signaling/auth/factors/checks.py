"""The check of second factors: with which kinds an account can answer, the ticket between password and code, and the
limits on guesses, which hold apart from those of passwords. A guesser here knows the password already, so that
strangers' guesses are few; the account's own device and usual places have budgets of their own."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.records import User as Account
from broker.control.store.sign_in.factors import Factor
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import NotSignedIn, SecondFactorNeeded, TooMany
from signaling.api.messages.sign_in import Proof
from signaling.auth.factors import recovery, totp
from signaling.auth.factors.sealing import Sealing
from signaling.auth.guesses import Guesses, Limits, Origin

log = structlog.get_logger("signaling")
LIMITS = Limits(own_burst=5, own_per_minute=0.5, account_burst=10, account_per_minute=0.2, free=0)
"""A known device, or a usual place, has 5 guesses and then one every two minutes; all other places together have 10 for
an account and then 12 an hour: with three codes that fit, less than one chance in a thousand a day."""
TICKET = timedelta(minutes=5)
USED = 4096
"""Tickets that were used and are remembered until they are too old."""
REFUSED = "SecondFactorRefused"
SECRET, TICKETS = "factor secret", "sign-in ticket"
"""Purposes of what is sealed."""


class Kind(StrEnum):
    """The kinds of second factors; recovery codes stand in for one that is lost."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Used:
    """The second factor that was shown: its kind, and its id where it is no recovery code."""

    kind: Kind
    factor: str = ""


class FactorChecks:
    """The second factors of one process. `key`: the installation's secret for them."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, key: bytes) -> None:
        self._store, self._journal, self._clock, self._key = store, journal, clock, key
        self.sealing = Sealing(key)
        self._guesses = Guesses(LIMITS)
        self._used: OrderedDict[str, float] = OrderedDict()

    async def ask(self, account: Account) -> None:
        """Ask for a second factor where the account has one. Raises SecondFactorNeeded with a ticket, which is of use
        to this account alone and until its password changes."""
        factors = await self._store.factors(account.id)
        if not factors:
            return
        now = self._clock.now().wall
        ticket, until = self.sealing.seal_until(TICKETS, _bound(account), now, TICKET)
        methods = sorted({factor.kind for factor in factors} | {str(Kind.RECOVERY)})
        raise SecondFactorNeeded(
            "Enter the code of your authenticator app, use your security key, or a recovery code.",
            "请输入身份验证器中的验证码，或使用安全密钥、恢复码。",
            ticket=ticket,
            methods=methods,
            expires_at=until.isoformat(),
        )

    async def account_of(self, ticket: str) -> Account:
        """Return the account that a ticket was made for. Raises NotSignedIn where it is too old or was used, or where
        the account has changed since."""
        now = self._clock.now()
        value = self.sealing.open_now(TICKETS, ticket, now.wall)
        account = await self._store.user_named(str(value["user"])) if value is not None else None
        if value is None or account is None or account.disabled or ticket in self._used:
            raise _stale()
        if _bound(account)["stands"] != value["stands"]:
            raise _stale()
        return account

    def use_up(self, ticket: str) -> None:
        """Let a ticket that has led to a sign-in lead to no other."""
        self._used[ticket] = self._clock.now().mono
        while len(self._used) > USED:
            self._used.popitem(last=False)

    async def check(self, account: Account, proof: Proof, origin: Origin, without: str = "") -> Used:
        """Check a second factor of an account; return which one it was. `without`: the id of a factor that does not
        count now. Raises NotSignedIn or TooMany."""
        mono = self._clock.now().mono
        try:
            attempt = self._guesses.admit(account.id, origin, mono)
        except TooMany:
            self._note_refusal(account, proof, "too_many")
            raise
        used = await self._shown(account, proof, without)
        if used is None:
            self._note_refusal(account, proof, "wrong")
            raise NotSignedIn("The code is wrong, or was used before.", "验证码错误，或已使用过。")
        self._guesses.give_back(attempt, mono)
        if used.kind is Kind.RECOVERY:
            left = await self._store.recovery_codes_left(account.id)
            self._journal.note("RecoveryCodeUsed", None, f"user:{account.id}", {"left": left})
        return used

    def remember(self, user: str, origin: Origin) -> None:
        """Note that an account has signed in from a place, which is a usual one from now on."""
        self._guesses.remember(user, origin, self._clock.now().mono)

    def recovery_hashes(self, user: str, codes: list[str]) -> list[str]:
        """Return what is stored of recovery codes."""
        return [recovery.code_hash(self._key, user, code) for code in codes]

    async def _shown(self, account: Account, proof: Proof, without: str) -> Used | None:
        if proof.recovery is not None:
            hashed = recovery.code_hash(self._key, account.id, proof.recovery)
            return Used(Kind.RECOVERY) if await self._store.take_recovery_code(account.id, hashed) else None
        factors = [factor for factor in await self._store.factors(account.id) if factor.id != without]
        now = self._clock.now().wall
        for factor in factors:
            if factor.kind == "totp" and proof.code is not None and await self._fits(factor, proof.code, now):
                return Used(Kind.TOTP, factor.id)
        return None

    async def _fits(self, factor: Factor, code: str, now: datetime) -> bool:
        opened = self.sealing.open(f"{SECRET} {factor.id}", factor.secret)
        if opened is None:
            log.error("a second factor cannot be read: keys/factor.key is another one", factor=factor.id)
            return False
        step = totp.step_of(str(opened["secret"]), code, now)
        return step >= 0 and await self._store.take_counter(factor.id, step)

    def _note_refusal(self, account: Account, proof: Proof, why: str) -> None:
        data = {"kind": str(Kind.RECOVERY if proof.recovery is not None else Kind.TOTP), "why": why}
        self._journal.note_request(REFUSED, None, f"user:{account.id}", data)


def _bound(account: Account) -> dict[str, str]:
    """What a ticket says: the account, and what its password stands on, which changes with each new password."""
    return {"user": account.id, "stands": account.since.isoformat() if account.since else ""}


def _stale() -> NotSignedIn:
    return NotSignedIn(
        "The sign-in took too long: begin with the password again.", "验证已超时，请重新输入用户名和密码。"
    )
