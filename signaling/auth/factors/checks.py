"""The check of second factors: with which kinds an account can answer, the ticket between password and code, and the
limits on guesses, which hold apart from those of passwords. A guesser here knows the password already, so that
strangers' guesses are few; the account's own device and usual places have budgets of their own."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.records import User as Account
from broker.control.store.sign_in.factors import Factor
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict, NotSignedIn, SecondFactorNeeded, TooMany
from signaling.api.messages.sign_in import KeyAnswer, Proof
from signaling.auth.factors import recovery, security_key, totp
from signaling.auth.factors.sealing import Sealing
from signaling.auth.factors.security_key import Key, Place
from signaling.auth.guesses import Guesses, Limits, Origin

log = structlog.get_logger("signaling")
LIMITS = Limits(own_burst=5, own_per_minute=0.5, account_burst=10, account_per_minute=0.2, free=0)
"""A known device, or a usual place, has 5 guesses and then one every two minutes; all other places together have 10 for
an account and then 12 an hour: with three codes that fit, less than one chance in a thousand a day."""
TICKET = timedelta(minutes=5)
USED = 4096
"""Ids of sealed values that were used, which are remembered for so many."""
REFUSED = "SecondFactorRefused"
SECRET, TICKETS = "factor secret", "sign-in ticket"
"""Purposes of what is sealed."""


class Aim(StrEnum):
    """What a second factor is shown for; the purpose of the sealed challenge, so that a security key's answer for a
    sign-in permits no change, and the other way round."""

    SIGN_IN = "key challenge for a sign-in"
    CHANGE = "key challenge for a change"


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
        self._used: OrderedDict[str, None] = OrderedDict()

    async def ask(self, account: Account) -> None:
        """Ask for a second factor where the account has one. Raises SecondFactorNeeded with a ticket, which is of use
        to this account alone and until its password changes."""
        factors = await self._store.factors(account.id)
        if not factors:
            return
        now = self._clock.now().wall
        value = _bound(account) | {"id": secrets.token_urlsafe(16)}
        ticket, until = self.sealing.seal_until(TICKETS, value, now, TICKET)
        methods = sorted({factor.kind for factor in factors} | {str(Kind.RECOVERY)})
        raise SecondFactorNeeded(
            "Enter the code of your authenticator app, use your security key, or a recovery code.",
            "请输入身份验证器中的验证码，或使用安全密钥、恢复码。",
            ticket=ticket,
            methods=methods,
            expires_at=until.isoformat(),
        )

    async def challenge(self, account: Account, place: Place | None, aim: Aim) -> tuple[dict[str, Any], str]:
        """Return what a page passes to the security keys of an account, and the state for the answer. Raises Conflict
        where the account has no key for the name under which the page was asked for."""
        keys = [key for _, key in await self._keys(account.id) if place is not None and key.host == place.host]
        if place is None or not keys:
            raise Conflict(
                "No security key of this account is bound to the name of this page.",
                "该账号没有可在此网址使用的安全密钥。",
            )
        now, challenge = self._clock.now().wall, secrets.token_urlsafe(32)
        value = {"user": account.id, "challenge": challenge}
        state, _ = self.sealing.seal_until(aim, value, now, TICKET)
        return security_key.request_options(place, challenge, [key.id for key in keys]), state

    async def account_of(self, ticket: str) -> Account:
        """Return the account that a ticket was made for. Raises NotSignedIn where it is too old or was used, or where
        the account has changed since."""
        now = self._clock.now()
        value = self.sealing.open_now(TICKETS, ticket, now.wall)
        account = await self._store.user_named(str(value["user"])) if value is not None else None
        if value is None or account is None or account.disabled or value["id"] in self._used:
            raise _stale()
        if _bound(account)["stands"] != value["stands"]:
            raise _stale()
        return account

    def use_up(self, ticket: str) -> None:
        """Let a ticket that leads to a sign-in count no more. Raises NotSignedIn where it did so before."""
        value = self.sealing.open(TICKETS, ticket)
        if value is None or not self.count_once(value["id"]):
            raise _stale()

    def count_once(self, id: str) -> bool:
        """Use up a sealed value by the random text inside it; False where it was used before. The sealed text itself is
        no name for it: the same bytes can be spelled in several ways."""
        if id in self._used:
            return False
        self._used[id] = None
        while len(self._used) > USED:
            self._used.popitem(last=False)
        return True

    async def check(
        self, account: Account, proof: Proof, origin: Origin, place: Place | None, aim: Aim, without: str = ""
    ) -> Used:
        """Check a second factor of an account; return which one it was. `place`: the server's own page that asks, None
        for programs; `aim`: what it is shown for; `without`: the id of a factor that does not count now. Raises
        NotSignedIn or TooMany."""
        mono = self._clock.now().mono
        try:
            attempt = self._guesses.admit(account.id, origin, mono)
        except TooMany:
            self._note_refusal(account, proof, "too_many")
            raise
        used = await self._shown(account, proof, place, aim, without)
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

    async def _shown(self, account: Account, proof: Proof, place: Place | None, aim: Aim, without: str) -> Used | None:
        if proof.recovery is not None:
            hashed = recovery.code_hash(self._key, account.id, proof.recovery)
            return Used(Kind.RECOVERY) if await self._store.take_recovery_code(account.id, hashed) else None
        if proof.webauthn is not None:
            return await self._answered(account, proof.webauthn, place, aim, without)
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

    async def keys_of(self, user: str) -> list[str]:
        """Return the ids of the security keys of an account."""
        return [key.id for _, key in await self._keys(user)]

    async def _keys(self, user: str) -> list[tuple[Factor, Key]]:
        factors = [factor for factor in await self._store.factors(user) if factor.kind == "webauthn"]
        opened = ((factor, self.sealing.open(f"{SECRET} {factor.id}", factor.secret)) for factor in factors)
        return [(factor, Key(**value)) for factor, value in opened if value is not None]

    async def _answered(
        self, account: Account, answer: KeyAnswer, place: Place | None, aim: Aim, without: str
    ) -> Used | None:
        """Return the security key that has answered, None where none has. A challenge is answered once."""
        value = self.sealing.open_now(aim, answer.state, self._clock.now().wall)
        if place is None or value is None or value["user"] != account.id or not self.count_once(value["challenge"]):
            return None
        for factor, key in await self._keys(account.id):
            parts = answer.model_dump(exclude={"state"})
            count = security_key.count_of(place, value["challenge"], key, factor.counter, parts)
            if count is None or factor.id == without:
                continue
            if count == 0:  # keys of phones and computers count nothing
                await self._store.note_use(factor.id)
                return Used(Kind.WEBAUTHN, factor.id)
            return Used(Kind.WEBAUTHN, factor.id) if await self._store.take_counter(factor.id, count) else None
        return None

    def _note_refusal(self, account: Account, proof: Proof, why: str) -> None:
        kind = Kind.RECOVERY if proof.recovery is not None else Kind.WEBAUTHN if proof.webauthn else Kind.TOTP
        data = {"kind": str(kind), "why": why}
        self._journal.note_request(REFUSED, None, f"user:{account.id}", data)


def _bound(account: Account) -> dict[str, str]:
    """What a ticket says: the account, and what its password stands on, which changes with each new password."""
    return {"user": account.id, "stands": account.since.isoformat() if account.since else ""}


def _stale() -> NotSignedIn:
    return NotSignedIn(
        "The sign-in took too long: begin with the password again.", "验证已超时，请重新输入用户名和密码。"
    )
