"""Mutations: rules of the product that are broken on purpose, each with the plan and the oracle that must notice. They
prove that the oracles can fail."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest

from broker.booking.bar import Bar
from broker.booking.slot import Slot
from broker.control import persistence
from broker.control.journal.journal import Journal
from broker.control.relay_facts import RelayFacts
from broker.control.rules.session_rules import SessionRules
from broker.control.session_runner import SessionRunner
from broker.control.store.eligibility import Eligibility
from broker.control.store.slots import Visits
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.ids import SessionId
from broker.relay.gate import Gate
from broker.relay.session import RelaySession
from broker.session import endings, moves, readiness
from broker.session import events as ev
from broker.session.effects import Reason
from broker.session.parts import check_in, extension, farewell
from broker.session.parts.processes import Recorder
from broker.session.state import Session
from config.policy import Policy
from recorder.mp4.muxer import Part
from recorder.pipeline.writer import Writer
from recorder.recording import Recording
from tests.simulation.plans import Fault, OrderPlan, Plan, Side, between_prisons, plain, untold

Break = Callable[[pytest.MonkeyPatch], None]
LIVE = 30.0
"""A true second at which the visit of a plain plan is going on."""


@dataclass(frozen=True)
class Mutation:
    """A rule that is broken. `oracle` is the name of a finding that must come of `plan`."""

    breaks: Break
    plan: Plan
    oracle: str


def _leases_never_end(patch: pytest.MonkeyPatch) -> None:
    def lease(
        self: Gate, now: float, until: float, deadline: float, limit: float, crossed: float | None = None
    ) -> None:
        real(self, now, until, deadline, limit, crossed)
        self.until = inf

    real = Gate.lease
    patch.setattr(Gate, "lease", lease)


def _no_quorum(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(readiness, "has_quorum", lambda *_: True)


def _five_seconds_more(patch: pytest.MonkeyPatch) -> None:
    real = extension.limit
    patch.setattr(extension, "limit", lambda *args: real(*args) + timedelta(seconds=5))


def _both_directions(patch: pytest.MonkeyPatch) -> None:
    """The minutes begin when both directions have crossed, as they once did."""

    def forwarded(self: RelaySession, track: Any, now: float) -> None:
        passed = self.__dict__.setdefault("passed", set())
        if any(down_track.gated and down_track.flowing for down_track in track.down_tracks):
            passed.add(track.number < 2)
        if len(passed) == 2:
            real(self, track, now)

    real = RelaySession._handle_forwarded
    patch.setattr(RelaySession, "_handle_forwarded", forwarded)


def _screens_are_taken_for_granted(patch: pytest.MonkeyPatch) -> None:
    def side_media(self: RelayFacts, fact: Any) -> None:
        real(self, fact)
        for side in Side:
            self._take(fact.session, ev.RoomReceiving(side, True))

    real = RelayFacts.handle_side_media
    patch.setattr(RelayFacts, "handle_side_media", side_media)
    patch.setattr(RelayFacts, "_room_receives", lambda *_: None)


def _open_again_at_once(patch: pytest.MonkeyPatch) -> None:
    def init(self: SessionRunner, *args: Any, **more: Any) -> None:
        real(self, *args, **more)
        self.policy = copy(self.policy)
        object.__setattr__(self.policy, "reopen_after", timedelta(0))

    real = SessionRunner.__init__
    patch.setattr(SessionRunner, "__init__", init)


def _any_clock_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AgreedClock, "now", lambda self: self.machine.now())


def _slot_reserve(patch: pytest.MonkeyPatch) -> None:
    """Open the gate before the slot: the start is taken for ten seconds ago."""
    real = moves._begin

    def early(session: Any, now: Any, policy: Any) -> Any:
        return real(session, type(now)(now.wall + timedelta(seconds=10), now.mono), policy)

    def record(session: Any, now: Any, policy: Any) -> Any:
        return start(session, type(now)(now.wall + timedelta(seconds=10), now.mono), policy)

    start = moves._start_recording
    table = {real: early, start: record}
    moved = tuple(
        moves.Move(move.before, move.after, move.cause, table.get(move.take, move.take)) for move in moves.MOVES
    )
    patch.setattr(moves, "MOVES", moved)


def _gate_without_recorder(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recorder, "writes", property(lambda _self: True))


def _recorder_lies(patch: pytest.MonkeyPatch) -> None:
    """The writer says that all is flushed, and throws it away."""
    real = Writer.progress

    def progress(self: Writer) -> Any:
        self._flushed = True
        return real(self)

    def take(self: Writer, records: Any) -> None:
        kept = [record for record in records if int(record.arrival_ns / 1e9) % 10 < 4]
        real_take(self, kept)

    real_take = Writer.take
    patch.setattr(Writer, "take", take)
    patch.setattr(Writer, "progress", progress)


def _any_film_will_do(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recording, "_report_faults", lambda *_: None)


def _no_syncs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Part, "sync", lambda _self: None)


def _no_journal(patch: pytest.MonkeyPatch) -> None:
    real = Journal.note

    def note(self: Journal, kind: str, *args: Any) -> None:
        if kind != "StateChanged":
            real(self, kind, *args)

    patch.setattr(Journal, "note", note)


def _no_rebooking(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(persistence, "requested", lambda *_: None)


def _technical_holds_are_officers(patch: pytest.MonkeyPatch) -> None:
    """What outlasts the grace under YN-18 ends as if an officer had ended it for what people did."""
    real = endings.hold_outlasted

    def outlasted(session: Any, now: Any, policy: Any) -> Any:
        return replace(real(session, now, policy), reason=Reason.ENDED_BY_SUPERVISOR, rebook=False)

    patch.setattr(endings, "hold_outlasted", outlasted)


def _one_word_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(farewell, "agreed", lambda part, now: bool(part))


def _rows_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """Sessions are taken up as they were saved, whatever was written about their slots meanwhile."""

    async def withdrawals(self: Visits, since: Any) -> dict[str, Any]:
        return {}

    patch.setattr(Visits, "withdrawals", withdrawals)


def _suspensions_bind_nobody(patch: pytest.MonkeyPatch) -> None:
    async def bars_of(self: Eligibility, visits: Iterable[Slot]) -> dict[SessionId, tuple[Bar, ...]]:
        return {slot.session: () for slot in visits}

    patch.setattr(Eligibility, "bars_of", bars_of)


def _packs_are_not_frozen(patch: pytest.MonkeyPatch) -> None:
    async def found(self: SessionRules, session: Session) -> tuple[Session, Policy]:
        policy = self.in_force(session.slot.policy)
        return (replace(session, pack=policy.sha256) if session.pack else session), policy

    patch.setattr(SessionRules, "found", found)


def _one_approval_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Slot, "awaits_approval", property(lambda _self: False))


def _rooms_need_not_know_the_rules(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(check_in, "acknowledged", lambda *_: True)


def _fault(kind: str, seconds: float, at: float = LIVE, salt: int = 1) -> tuple[Fault, ...]:
    return (Fault(at, kind, seconds, salt),)


MUTATIONS: dict[str, Mutation] = {
    "leases never end": Mutation(_leases_never_end, plain(1, _fault("stop control", 8.0)), "lease"),
    "no quorum is asked for": Mutation(_no_quorum, plain(2, _fault("officer leaves", 10.0, salt=3)), "quorum"),
    "the limit has five seconds more": Mutation(_five_seconds_more, plain(3), "limit"),
    "the minutes wait for both directions": Mutation(
        _both_directions, plain(14, _fault("room line lost", 1.2, 15.2)), "limit"
    ),
    "rooms need no screen": Mutation(
        _screens_are_taken_for_granted, plain(11, _fault("room does not watch", 40.0, 0.6)), "rooms receive"
    ),
    "the gate opens again at once": Mutation(
        _open_again_at_once, plain(11, _fault("officers flicker", 15.0, salt=3)), "flicker"
    ),
    "a withdrawn approval comes back": Mutation(
        _rows_are_not_looked_at, plain(11, _fault("approval withdrawn while down", 4.0, 7.0, 3)), "cancelled"
    ),
    "suspensions bind nobody": Mutation(
        _suspensions_bind_nobody, plain(11, _fault("suspended meanwhile", 0.0, 7.0)), "suspended"
    ),
    "packs are not frozen": Mutation(_packs_are_not_frozen, plain(16, _fault("pack edited", 0.0)), "frozen pack"),
    "one approval is enough between two prisons": Mutation(
        _one_approval_is_enough, between_prisons(plain(15)), "second approval"
    ),
    "rooms need not know the rules": Mutation(_rooms_need_not_know_the_rules, untold(plain(17)), "rules"),
    "any clock is believed": Mutation(
        _any_clock_is_believed, plain(11, _fault("wall clock steps", 5.0, 11.0, 12)), "slot"
    ),
    "the gate opens before the slot": Mutation(_slot_reserve, plain(4), "slot"),
    "the gate needs no recorder": Mutation(_gate_without_recorder, plain(5, _fault("stop recorder", 10.0)), "recorder"),
    "the recorder lies about what it wrote": Mutation(_recorder_lies, plain(6), "on disk"),
    "any film will do": Mutation(_any_film_will_do, plain(11, _fault("room sends garbage", 12.0, salt=3)), "unusable"),
    "nothing is synced": Mutation(_no_syncs, plain(7, _fault("power cut", 3.0, 50.0, 0)), "on disk"),
    "states are not journaled": Mutation(_no_journal, plain(8), "journal"),
    "no end requests another visit": Mutation(_no_rebooking, plain(9, _fault("power cut", 3.0)), "re-booking"),
    "a technical hold ends as an officer's": Mutation(
        _technical_holds_are_officers, plain(12, (), (OrderPlan(LIVE, "hold", Side.PRISON, 14),), 5), "first cause"
    ),
    "one side's word completes a visit": Mutation(
        _one_word_is_enough, plain(13, (), (OrderPlan(LIVE, "end completed", Side.VISITOR, 5),)), "completed"
    ),
}
"""Name of a broken rule -> what must be found of it."""
