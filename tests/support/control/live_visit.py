"""A visit that is live, with the handlers of facts around it; relay pool and recorder only keep what they are asked."""

from typing import Any

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.presence_tracker import PresenceTracker
from broker.control.recorder_facts import RecorderFacts
from broker.control.recordings import Recordings
from broker.control.relay_facts import RelayFacts
from broker.control.session_runner import SessionRunner
from broker.ipc import recorder_messages, relay_messages
from broker.kernel.ids import Side
from broker.kernel.tasks import Tasks
from broker.session import events as ev
from broker.session.effects import Effect
from broker.session.state import Session, State
from tests.support.session_story import PREPARED, SLOT, YUNNAN, at


class StandingClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.second = 60.0

    def now(self) -> Any:
        return at(seconds=self.second)


class RecorderDouble:
    """Keeps the events for the timeline."""

    def __init__(self) -> None:
        self.ready = True
        self.events: list[dict[str, Any]] = []

    def add_event(self, session: str, event: dict[str, Any], now: Any) -> None:
        self.events.append(event)


class JournalDouble:
    """Keeps the entries that are noted."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str | None, str, dict[str, Any]]] = []

    def note(self, kind: str, session: str | None, author: str, data: dict[str, Any]) -> None:
        self.entries.append((kind, session, author, data))


class LiveVisit:
    """One session that is live. `facts` and `effects` are those of its steps."""

    def __init__(self) -> None:
        self.clock, self.recorder, self.journal = StandingClock(), RecorderDouble(), JournalDouble()
        self.facts: list[ev.Fact] = []
        self.effects: list[Effect] = []
        clock: Any = self.clock
        self.runner = SessionRunner(
            Session(SLOT), YUNNAN, clock, lambda _, effect: self.effects.append(effect), self._changed
        )
        for fact in (ev.TimePassed(), *PREPARED, ev.RecorderFlushed()):
            self.runner.take(fact)
        sessions, bus = {SLOT.session: self.runner}, AsyncIOEventEmitter()
        recorder: Any = self.recorder
        journal: Any = self.journal
        relays: Any = None
        recordings = Recordings(sessions, recorder, clock, bus)
        presence = PresenceTracker(sessions, journal, clock, bus)
        self.resources: dict[Any, Any] = {}
        self.relay_facts = RelayFacts(sessions, self.resources, journal, clock, bus, presence, recorder, recordings)
        self.recorder_facts = RecorderFacts(sessions, journal, recorder, recordings, relays, Tasks())

    def _changed(self, _runner: Any, _before: Any, fact: ev.Fact, _effects: Any) -> None:
        self.facts.append(fact)

    @property
    def id(self) -> Any:
        return SLOT.session

    @property
    def state(self) -> State:
        return self.runner.session.state

    def relay(self, fact: relay_messages.RelayFact) -> None:
        """A fact of the relay worker comes."""
        self.relay_facts.received(fact)

    def recording(self, fact: recorder_messages.RecorderFact) -> None:
        """A fact of the recorder comes."""
        self.recorder_facts.received(fact)

    def lose(self, records: int) -> None:
        """The recorder does not take some records."""
        self.relay(relay_messages.TapLost(sessions=(self.id,), records=records))

    def second(self) -> None:
        """A second passes in which nothing is lost."""
        self.clock.second += 1.0
        sides = {side: relay_messages.SideCounts() for side in Side}
        self.relay(relay_messages.MediaReport(session=self.id, sides=sides, subscriptions=()))
