"""What the timeline of a recording says: states, interventions, attention checks, alerts, who is present and who has
acknowledged the rules, by ids."""

from collections import deque
from collections.abc import Callable, Iterator

from broker.ipc.framing import JsonObject
from broker.kernel.clock import Instant
from broker.kernel.ids import SessionId, Side
from broker.presence.reasons import Left
from broker.session import events as ev
from broker.session.effects import AlertOver, AlertRaised, Effect
from broker.session.events import Fact
from broker.session.state import Session, State

MOST_KEPT = 500  # actions of one session kept while nothing is recorded yet
TimelineEvent = JsonObject
"""An event of timeline.jsonl: any JSON object with a `kind`."""
AddEvent = Callable[[SessionId, TimelineEvent, Instant], None]


class TimelineEvents:
    """Puts what a session's steps mean on its timeline by `add`. What officers did, and were asked, before the recorder
    writes is kept until it does."""

    def __init__(self, add: AddEvent) -> None:
        self._add = add
        self._kept: dict[SessionId, deque[tuple[TimelineEvent, Instant]]] = {}

    def note(self, session: SessionId, event: TimelineEvent, now: Instant, written: bool) -> None:
        """Put an event that no step has made on the timeline, or keep it until the recorder writes (`written`)."""
        if written:
            self._add(session, event, now)
        else:
            self._kept.setdefault(session, deque(maxlen=MOST_KEPT)).append((event, now))

    def record_step(
        self,
        before: Session,
        after: Session,
        fact: Fact,
        now: Instant,
        written: bool,
        effects: tuple[Effect, ...] = (),
    ) -> None:
        """Take one step; `written` is whether the recorder has begun to write."""
        if written or after.state is State.ENDED:
            kept = self._kept.pop(after.id, ())
            for event, moment in kept if after.processes.recorded else ():
                self._add(after.id, event, moment)
        actions = list(_actions(before, fact, effects))
        if after.check_in.rules is not before.check_in.rules and after.processes.recorded:
            actions += acknowledgements(after)  # before, the order to record has them
        if not written and after.state is not State.ENDED:
            self._kept.setdefault(after.id, deque(maxlen=MOST_KEPT)).extend((event, now) for event in actions)
            actions = []
        for change in (*actions, state_change(before, after), people_change(before, after, fact)):
            if change is not None:
                self._add(after.id, change, now)


def _actions(before: Session, fact: Fact, effects: tuple[Effect, ...]) -> Iterator[TimelineEvent]:
    for event in (action(fact), attention(fact)):
        if event is not None:
            yield event
    yield from alerts(before, fact, effects)


def transition(before: Session, after: Session) -> TimelineEvent:
    """Return a change of state in the words of the journal and the timeline."""
    states: TimelineEvent = {"from": str(before.state), "to": str(after.state)}
    if after.end is None or after.state is not State.ENDED:
        return states
    return states | {"reason": str(after.end.reason), "article": after.end.article, "cause": after.end.cause}


def state_change(before: Session, after: Session) -> TimelineEvent | None:
    """Return the event of a change of state, None where there is none."""
    return {"kind": "state", **transition(before, after)} if after.state is not before.state else None


def action(fact: Fact) -> TimelineEvent | None:
    """Return the event of an officer's action: the words of the journal under one kind."""
    return {"kind": "action", "what": ev.kind(fact), **ev.data(fact)} if isinstance(fact, ev.ACTIONS) else None


def attention(fact: Fact) -> TimelineEvent | None:
    """Return the event of an attention check and of what came of it: proof that an officer watched."""
    if not isinstance(fact, ev.ATTENTION):
        return None
    user = fact.by if isinstance(fact, ev.AttentionAnswered) else fact.user
    seconds = {"seconds": fact.seconds} if isinstance(fact, ev.AttentionAnswered) else {}
    return {"kind": "attention", "what": ev.kind(fact), "user": user, "site": fact.site, **seconds}


def alerts(before: Session, fact: Fact, effects: tuple[Effect, ...]) -> Iterator[TimelineEvent]:
    """Yield what became of alerts: raised, taken, finished by an officer, or over by themselves."""
    if isinstance(fact, ev.AlertTaken | ev.AlertFinished):
        alert = next((alert for alert in before.alerts.open if alert.id == fact.alert), None)
        about = {"of": str(alert.kind), "side": alert.side} if alert is not None else {}
        yield {"kind": "alert", "what": ev.kind(fact), **about, **ev.data(fact)}
    for effect in effects:
        if isinstance(effect, AlertRaised | AlertOver):
            data = ev.data(effect)
            yield {"kind": "alert", "what": ev.kind(effect), "of": data.pop("kind"), **data}


def people_change(before: Session, after: Session, fact: Fact) -> TimelineEvent | None:
    """Return who is present, once the recording is being written: whenever that changes, with the reasons of those who
    left, and again when a recorder is back, which may have missed a change."""
    changed = (before.check_in.checked, before.processes.watchers) != (after.check_in.checked, after.processes.watchers)
    again = isinstance(fact, ev.RecorderFlushed | ev.RecorderReady)
    if not after.processes.recorded or not (changed or again):
        return None
    gone = fact.left if isinstance(fact, ev.WatchersChanged) else frozenset[Left]()
    return people(after) | ({"left": [_left(after, one) for one in sorted(gone)]} if gone else {})


def _left(session: Session, gone: Left) -> TimelineEvent:
    """Return an officer who ceased to be present, with the side whose site is theirs and the codes of the reasons."""
    side = next((str(side) for side in Side if session.slot.place(side).site == gone.site), "")
    return {"user": gone.user, "site": gone.site, "side": side, "why": [str(why) for why in gone.why]}


def acknowledgements(session: Session) -> list[TimelineEvent]:
    """Return an event for each room that has acknowledged the rules, `since` when it has (Yunnan 12, Guangdong 24)."""
    return [
        {
            "kind": "rules_acknowledged",
            "side": str(side),
            "since": room.at.isoformat(),
            "terminal": room.by,
            "text": room.text,
            "language": room.language,
            "manner": str(room.manner),
        }
        for side, room in sorted(session.check_in.rules.items())
    ]


def publisher(side: Side, terminal: str) -> TimelineEvent:
    """Return the event of a terminal that begins to publish the picture and sound of a side (Yunnan 27(1))."""
    return {"kind": "publisher", "side": str(side), "terminal": terminal}


def people(session: Session) -> TimelineEvent:
    """Return the event of who is present, by ids."""
    watchers = [{"user": watcher.user, "site": watcher.site} for watcher in sorted(session.processes.watchers)]
    return {"kind": "people", "checked_in": sorted(session.check_in.checked), "watchers": watchers}
