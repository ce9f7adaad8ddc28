"""What the facts of relay workers mean: facts for the sessions concerned, entries of journal and timeline, and news for
the pages."""

from collections.abc import Mapping

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.journal.journal import Journal
from broker.control.presence_tracker import PresenceTracker
from broker.control.recorder_client import RecorderClient
from broker.control.recordings import Recordings
from broker.control.session_runner import SessionRunner
from broker.control.statistics import Rates
from broker.control.timeline_events import TimelineEvent
from broker.control.viewers import Viewers, observers_of, viewer_of
from broker.ipc import relay_messages as messages
from broker.kernel.clock import Clock
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.session import events as ev

ENDS_TALKBACK = frozenset({"no microphone", "microphone gone"})
"""Why a relay ends a talkback without an order."""


class RelayFacts:
    """Handles each fact of a relay worker by the method that `handlers` names."""

    def __init__(
        self,
        sessions: Mapping[SessionId, SessionRunner],
        resources: dict[ResourceId, SessionId],
        journal: Journal,
        clock: Clock,
        bus: AsyncIOEventEmitter,
        presence: PresenceTracker,
        recorder: RecorderClient,
        recordings: Recordings,
    ) -> None:
        self._sessions, self._resources, self._journal = sessions, resources, journal
        self._clock, self._bus, self._presence = clock, bus, presence
        self._recorder, self._recordings, self._rates = recorder, recordings, Rates()
        self._rooms: dict[SessionId, dict[ResourceId, Side]] = {}
        """The rooms that receive, by the connection that proves it: a room that is changing to a new one has two."""
        self.handlers = dict(
            (
                messages.SideMedia.handled_by(self.handle_side_media),
                messages.SubscriptionChanged.handled_by(self.handle_subscription_changed),
                messages.MediaReport.handled_by(self.handle_media_report),
                messages.FirstCrossing.handled_by(self.handle_first_crossing),
                messages.GateChanged.handled_by(self.handle_gate_changed),
                messages.LimitExtended.handled_by(self.handle_limit_extended),
                messages.TalkbackChanged.handled_by(self.handle_talkback_changed),
                messages.PicturesThinned.handled_by(self.handle_pictures_thinned),
                messages.ResourceClosed.handled_by(self.handle_resource_closed),
                messages.TapLost.handled_by(self.handle_tap_lost),
                messages.SessionFailed.handled_by(self.handle_session_failed),
            )
        )

    def received(self, fact: messages.RelayFact) -> None:
        """Take a fact of a worker."""
        self.handlers[type(fact)](fact)

    def forget(self, session: SessionId) -> None:
        """Drop what was received of a session whose ports are closed."""
        self._presence.forget(session)
        self._rooms.pop(session, None)
        self._rates.forget(session)
        self._recordings.forget(session)
        self._drop_viewers(session)
        for resource in self._resources_of(session):
            del self._resources[resource]

    # --- workers -------------------------------------------------------------------------------------------------

    def workers_up(self) -> None:
        """Let sessions without a relay ask for one."""
        for runner in [runner for runner in self._sessions.values() if not runner.session.processes.relay]:
            runner.take(ev.RelayReady())

    def workers_down(self, sessions: list[SessionId]) -> None:
        """Hold the sessions of a worker that is gone."""
        for session in sessions:
            self._presence.forget(session)
            self._rooms.pop(session, None)
            self._drop_viewers(session)
            self._take(session, ev.RelayLost("worker gone"))

    def handle_session_failed(self, fact: messages.SessionFailed) -> None:
        """Hold a session whose connections the worker has ended all at once."""
        for resource in self._resources_of(fact.session):
            self._resource_closed(fact.session, resource, "internal error")
        self._presence.forget(fact.session)
        self._rooms.pop(fact.session, None)
        self._take(fact.session, ev.RelayLost("internal error"))

    # --- publications and subscriptions --------------------------------------------------------------------------

    def handle_side_media(self, fact: messages.SideMedia) -> None:
        """Note whether a room sends; picture or sound alone changes nothing for its session."""
        self._presence.sends(fact.session, fact.side, fact.on)
        runner = self._sessions.get(fact.session)
        if runner is not None and fact.on != (fact.side in runner.session.processes.media):
            runner.take(ev.RoomMedia(fact.side, fact.on))

    def handle_subscription_changed(self, fact: messages.SubscriptionChanged) -> None:
        """Note whether a subscriber receives."""
        if (runner := self._sessions.get(fact.session)) is not None:
            self._set_viewers(runner, runner.viewers | {fact.subscription.resource: viewer_of(fact.subscription)})
        if fact.subscription.gated:
            self._room_changed(fact.session, fact.subscription)
        self._presence.subscription_changed(fact.session, fact.subscription)

    def _room_changed(self, session: SessionId, subscription: messages.Subscription) -> None:
        """Note whether the far room receives this side: what it gets is its only window to the other one."""
        room, connections = subscription.side.other, self._rooms.setdefault(session, {})
        if subscription.on:
            connections[subscription.resource] = room
        else:
            connections.pop(subscription.resource, None)
        self._room_receives(session, room)

    def _room_receives(self, session: SessionId, room: Side) -> None:
        receives, runner = room in self._rooms.get(session, {}).values(), self._sessions.get(session)
        if runner is not None and receives != (room in runner.session.processes.receiving):
            runner.take(ev.RoomReceiving(room, receives))

    def handle_media_report(self, fact: messages.MediaReport) -> None:
        """Turn counts into what pages show, once a second."""
        runner = self._sessions.get(fact.session)
        if runner is None:
            return
        runner.quality = self._rates.measured(fact.session, fact.sides, self._clock.now().mono)
        self._set_viewers(runner, {each.resource: viewer_of(each) for each in fact.subscriptions})
        self._bus.emit("quality", fact.session, runner.quality)
        self._recordings.resume_when_calm(runner)

    def handle_pictures_thinned(self, fact: messages.PicturesThinned) -> None:
        """Write down from when to when supervisors got a part of the frames only."""
        moment = {"thinned": fact.thinned, "mono": fact.mono}
        self._journal.note("PicturesThinned", fact.session, "relay", moment)
        self._add_event(fact.session, {"kind": "pictures", **moment})

    def handle_resource_closed(self, fact: messages.ResourceClosed) -> None:
        """Forget a publication or subscription that has ended."""
        self._resource_closed(fact.session, fact.resource, fact.why)

    def _resource_closed(self, session: SessionId, resource: ResourceId, why: str) -> None:
        self._resources.pop(resource, None)
        if (runner := self._sessions.get(session)) is not None:
            self._set_viewers(runner, {id: viewer for id, viewer in runner.viewers.items() if id != resource})
        if (room := self._rooms.get(session, {}).pop(resource, None)) is not None:
            self._room_receives(session, room)
        self._journal.note("ResourceClosed", session, "relay", {"resource": resource, "why": why})
        self._bus.emit("gone", resource)

    # --- gate, limit and talkback --------------------------------------------------------------------------------

    def handle_first_crossing(self, fact: messages.FirstCrossing) -> None:
        """Begin the limit of a session."""
        self._take(fact.session, ev.Crossed(fact.mono))

    def handle_gate_changed(self, fact: messages.GateChanged) -> None:
        """Write down the exact moment at which a gate opened or shut."""
        moment = {"mono": fact.mono, "why": fact.why}
        self._journal.note("GateOpened" if fact.open else "GateShut", fact.session, "relay", moment)
        self._add_event(fact.session, {"kind": "gate", "open": fact.open, **moment})

    def handle_limit_extended(self, fact: messages.LimitExtended) -> None:
        """Write down that the relay has raised its limit."""
        moved = {"mono": fact.mono, "limit": fact.limit, "stop": fact.stop}
        self._journal.note("LimitMoved", fact.session, "relay", moved)
        self._add_event(fact.session, {"kind": "limit", **moved})

    def handle_talkback_changed(self, fact: messages.TalkbackChanged) -> None:
        """Write down the exact moments of a talkback; one without a microphone is over for its session, too."""
        moment: TimelineEvent = {"sides": list(fact.sides), "mono": fact.mono, "why": fact.why}
        self._journal.note("FloorOpened" if fact.open else "FloorShut", fact.session, "relay", moment)
        self._add_event(fact.session, {"kind": "floor", "open": fact.open, **moment})
        if not fact.open and fact.why in ENDS_TALKBACK:
            self._take(fact.session, ev.SpeechEnded("relay", fact.why))

    def handle_tap_lost(self, fact: messages.TapLost) -> None:
        """Count records that the recorder did not take against each session that they may belong to."""
        for session in fact.sessions:
            self._recordings.records_lost(session, fact.records, "tap")

    # --- what they share -----------------------------------------------------------------------------------------

    def _add_event(self, session: SessionId, event: TimelineEvent) -> None:
        self._recorder.add_event(session, event, self._clock.now())

    def _set_viewers(self, runner: SessionRunner, viewers: Viewers) -> None:
        """Take the connections of a session as they are now. Who looks on without being counted is told to the officers
        of both sides and to the timeline."""
        before, runner.viewers = observers_of(runner.viewers), viewers
        now, session = observers_of(viewers), runner.session
        if now == before:
            return
        self._journal.note("ObserversChanged", session.id, "relay", {"observers": list(now)})
        if session.processes.recorded and session.end is None:
            self._add_event(session.id, {"kind": "observers", "observers": list(now)})
        self._bus.emit("session", session.id)

    def _drop_viewers(self, session: SessionId) -> None:
        if (runner := self._sessions.get(session)) is not None:
            self._set_viewers(runner, {})

    def _resources_of(self, session: SessionId) -> list[ResourceId]:
        return [resource for resource, owner in self._resources.items() if owner == session]

    def _take(self, session: SessionId, fact: ev.Fact) -> None:
        if (runner := self._sessions.get(session)) is not None:
            runner.take(fact)
