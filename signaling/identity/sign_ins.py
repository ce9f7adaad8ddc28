"""Enrolment, migration and sign-in of terminals: what a terminal proves, what it is given for that, and what is written
down where it is refused. Strangers may ask for all of it; each place has a budget for that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.devices.sessions import Signed
from broker.control.store.devices.terminals import PublicKey
from broker.control.store.records import Terminal as Record
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import (
    ChallengeRefused,
    EnrolmentRefused,
    TerminalConflict,
    TerminalRefused,
    TerminalRevoked,
    VisitError,
)
from signaling.api.messages.identity import (
    Enrolment,
    Migration,
    TerminalSignIn,
    enrolment_text,
    migration_text,
    session_text,
)
from signaling.auth.origin import Authority, is_own
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Terminal
from signaling.identity.challenges import LIFE, Challenges, nonce_hash
from signaling.identity.instances import names
from signaling.identity.proofs import is_signed, read_key
from signaling.identity.refusals import Reason, Refusals

log = structlog.get_logger("signaling")
CREDENTIAL = timedelta(minutes=10)
"""How long a credential lasts; terminals sign in anew after half of it."""
REFUSED, CONFLICT, ENROLLED, MIGRATED = "TerminalRefused", "TerminalConflict", "TerminalEnrolled", "TerminalMigrated"
"""Kinds of the journal's entries."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a request comes from (`place`: its network), and under which names it has asked for the server."""

    place: str
    names: tuple[Authority, ...]
    tls: bool

    def means(self, origin: str) -> bool:
        """Whether an origin that a terminal has signed is that of this server."""
        return is_own(origin, self.names, self.tls)


@dataclass(frozen=True, slots=True)
class Success:
    """A terminal that has signed in, and until when its credential lasts."""

    terminal: Terminal
    expires: datetime


class TerminalSignIns:
    """All enrolments and sign-ins of terminals in one process. `challenge_key` is the installation's secret; `issued`
    is called with each terminal that has been given a credential."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        challenge_key: bytes,
        issued: Callable[[Terminal], None] = lambda terminal: None,
    ) -> None:
        self._store, self._journal, self._clock, self._issued = store, journal, clock, issued
        self._challenges, self._refusals = Challenges(challenge_key), Refusals()
        self._conflicts = 0
        self.sign_ins = Limit(burst=300, per_minute=120)
        """Requests from one place, two for each sign-in: a hundred rooms behind one address start at once, and renew in
        turns."""
        self.enrolments = Limit(burst=10, per_minute=10)
        """Attempts from one place with enrolment codes and with tokens of former versions; typing takes longer."""

    def counters(self) -> dict[str, int]:
        """Return the counters for the metrics: refused terminals by reason, and conflicts that were found here."""
        refused = {f"terminals_refused_{reason}": self._refusals.total[reason] for reason in Reason}
        return refused | {"terminal_conflicts": self._conflicts}

    async def enrol(self, asked: Enrolment, sender: Sender) -> Record:
        """Enrol the terminal at which a code was typed. Raises TooMany, BadRequest (no key of P-256), TerminalRefused
        (the proof), EnrolmentRefused (the code) or Conflict."""
        self.enrolments.take(sender.place, self._clock.now().mono)
        key = PublicKey(read_key(asked.key), asked.key_kind)
        text = enrolment_text(asked.origin, asked.code, asked.key)
        self._check_proof(sender, asked.origin, key, asked.signature, text)
        try:
            enrolled = await self._store.enrol_by_code(asked.code, key)
        except EnrolmentRefused as error:
            raise self._refused(error, Reason.CODE, sender) from None
        self._note(ENROLLED, enrolled.terminal, replaced=enrolled.replaced)
        return enrolled.terminal

    async def migrate(self, asked: Migration, sender: Sender) -> Record:
        """Exchange the token of a former version for a key. Raises like `enrol`."""
        self.enrolments.take(sender.place, self._clock.now().mono)
        key = PublicKey(read_key(asked.key), asked.key_kind)
        text = migration_text(asked.origin, asked.token, asked.key)
        self._check_proof(sender, asked.origin, key, asked.signature, text)
        try:
            terminal = await self._store.migrate_terminal(asked.token, key)
        except EnrolmentRefused as error:
            raise self._refused(error, Reason.CODE, sender) from None
        self._note(MIGRATED, terminal)
        return terminal

    def challenge(self, terminal: str, sender: Sender) -> str:
        """Return a nonce for one sign-in, the same for terminals that exist and for others. Raises TooMany."""
        now = self._clock.now()
        self.sign_ins.take(sender.place, now.mono)
        return self._challenges.new(terminal, now.wall)

    async def sign_in(self, asked: TerminalSignIn, sender: Sender) -> Success:
        """Give a terminal a credential for its signature.

        Raises TooMany; ChallengeRefused (ask for another one); TerminalRefused, in the same time and words whether the
        terminal or the key is another one; to the owner of the key TerminalRevoked and TerminalConflict.
        """
        now = self._clock.now()
        self.sign_ins.take(sender.place, now.mono)
        challenged_at = self._challenges.given_at(asked.nonce, asked.terminal, now.wall)
        if challenged_at is None:
            raise self._refused(ChallengeRefused(), Reason.STALE, sender)
        terminal = await self._store.terminal(asked.terminal)
        text = session_text(asked.origin, asked.terminal, asked.instance, asked.nonce)
        signed = is_signed(terminal.public_key if terminal else b"", asked.signature, text)
        if terminal is None or not signed or not sender.means(asked.origin):
            raise self._refused(TerminalRefused(), Reason.FORGED, sender, terminal)
        proof = Signed(terminal.id, asked.instance, nonce_hash(asked.nonce), challenged_at)
        token = await self._token(terminal, proof, sender)
        signed_in = Terminal(terminal.id, terminal.room, terminal.site, token, asked.instance)
        self._issued(signed_in)
        return Success(signed_in, now.wall + CREDENTIAL)

    async def _token(self, terminal: Record, proof: Signed, sender: Sender) -> str:
        try:
            return await self._store.open_terminal_session(proof, CREDENTIAL)
        except ChallengeRefused as error:
            raise self._refused(error, Reason.REPLAYED, sender, terminal) from None
        except TerminalRevoked as error:
            raise self._refused(error, Reason.REVOKED, sender, terminal) from None
        except TerminalConflict as error:
            if error.extra.pop("new", False):
                self.note_conflict(terminal.id, terminal.room, proof.instance)
            raise self._refused(error, Reason.CONFLICTED, sender, terminal) from None

    def note_conflict(self, terminal: str, room: str, *instances: str) -> None:
        """Write down, for good and for all who watch the log and the metrics, that a key is used in two places."""
        self._conflicts += 1
        data = {"room": room, "instances": names(*instances)}
        self._journal.note(CONFLICT, None, f"terminal:{terminal}", data)
        log.error("a terminal's key is used in two places; both are refused", terminal=terminal, room=room)

    def _check_proof(self, sender: Sender, origin: str, key: PublicKey, signature: str, text: bytes) -> None:
        if not is_signed(key.der, signature, text) or not sender.means(origin):
            raise self._refused(TerminalRefused(), Reason.FORGED, sender)

    def _refused(self, error: VisitError, reason: Reason, sender: Sender, terminal: Record | None = None) -> VisitError:
        """Count a refusal and write it down; return it. One of a stranger costs the journal one row a minute at most,
        and only where it is about a terminal that there is."""
        name = terminal.id if terminal is not None else ""
        self._journal.count_refusal(REFUSED, reason, sender.place, name)
        number = self._refusals.count(name, reason, self._clock.now().mono)
        if number and terminal is not None:
            self._journal.note_request(
                REFUSED, None, f"terminal:{name}", {"room": terminal.room, "reason": reason, "count": number}
            )
            log.warning("a terminal was refused", terminal=name, room=terminal.room, reason=str(reason), count=number)
        return error

    def _note(self, kind: str, terminal: Record, **data: str) -> None:
        about = {"terminal": terminal.id, "room": terminal.room, "key": terminal.fingerprint}
        self._journal.note(kind, None, f"terminal:{terminal.id}", {**about, "kind": terminal.key_kind, **data})


def challenge_seconds() -> int:
    """Return for how many seconds a challenge is good."""
    return int(LIFE.total_seconds())
