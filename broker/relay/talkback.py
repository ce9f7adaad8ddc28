"""Talkback (插话): an officer speaks to the rooms that are named, and is heard there and by officers who listen.
One officer at a time, as nothing here is decoded or mixed. Listening proves no presence.

No microphone is heard before the broker orders it. When a turn ends, its down tracks leave the plan and the microphone
loses the track: not one packet more goes to a room or the recorder, and what the microphone still sends is dropped."""

from collections.abc import Callable
from dataclasses import dataclass

from broker.ipc.relay_messages import RelayFact, TalkbackChanged
from broker.kernel.ids import SessionId, Side
from broker.media.tap_format import TALKBACK
from broker.relay.negotiation.codec_params import NO_PUBLISHER, CodecParams
from broker.relay.publications import Limit, Publication, Publications
from broker.relay.rtp import rtcp_feedback
from broker.relay.subscriptions import Subscription, Subscriptions
from broker.relay.track import Track
from broker.relay.transport.peer import Peer

KINDS = ("audio",)
MICROPHONES = Limit(16, "Too many microphones in this session.", "插话连接数已达上限。")
LISTENERS = Limit(24, "Too many connections listen in this session.", "收听连接数已达上限。")


@dataclass(frozen=True, slots=True)
class Turn:
    """The officer who may speak, and the rooms that hear it."""

    officer: str
    sides: frozenset[Side]


class Talkback:
    """Talkback of one session: its track, its microphones and its listeners. `drop` ends a client, `report` sends a
    fact up to the broker, `mark` records that what follows does not continue what was before, `on_gap` is called when a
    packet is missing."""

    def __init__(
        self,
        session: SessionId,
        tap: int,
        report: Callable[[RelayFact], None],
        drop: Callable[[Peer, str], None],
        mark: Callable[[], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._session, self._tap, self._report, self._mark = session, tap, report, mark
        self.track = Track("audio", TALKBACK, f"voice-{tap}", on_gap)
        self.turn: Turn | None = None
        self.publications: Publications[str] = Publications(self._begin_publication, drop, MICROPHONES)
        self.subscriptions = Subscriptions(self._begin_subscription, drop, LISTENERS)
        self._recording = False

    # --- microphones and listeners -----------------------------------------------------------------------------

    def publish(self, officer: str, peer: Peer, params: dict[str, CodecParams]) -> None:
        """Make `peer` this officer's microphone once it is connected; it is heard only in the officer's turn."""
        self.publications.add(Publication(officer, peer, params))
        peer.publish({"": self.track}, params["audio"])

    def subscribe(self, side: Side | None, client: str, peer: Peer, params: dict[str, CodecParams]) -> None:
        """Send talkback to `peer` once it is connected, in turns meant for it: the kiosk of room `side`, or an officer
        (None)."""
        subscription = Subscription(side or peer.resource, side, client, False, peer)
        self.subscriptions.add(subscription, {"audio": self.track}, params)

    def peers(self) -> list[Peer]:
        """Return all clients of talkback, connected and connecting."""
        return [*self.publications.peers(), *self.subscriptions.peers()]

    def handle_ready(self, peer: Peer) -> None:
        """A client of the session is connected, perhaps one of talkback."""
        self.publications.handle_ready(peer)
        self.subscriptions.handle_ready(peer)

    def remove(self, peer: Peer, now: float) -> None:
        """Forget a client that has ended; with its microphone ends an officer's turn."""
        self.subscriptions.remove(peer)
        microphone = self.publications.remove(peer)
        if microphone is not None and self.turn is not None and self.turn.officer == microphone.publisher:
            self.stop(now, "microphone gone")

    # --- turns ---------------------------------------------------------------------------------------------------

    def start(self, officer: str, sides: frozenset[Side], now: float) -> None:
        """Let `officer` speak to `sides` from this moment on, in place of any other; not without a microphone."""
        wanted = Turn(officer, sides)
        if self.turn == wanted:
            return
        another = self.turn is not None and self.turn.officer != officer
        self.stop(now, "somebody else" if another else "other rooms")
        if officer not in self.publications:
            self._report_turn(wanted, False, now, "no microphone")
            return
        self.turn = wanted
        self._update_tap()
        self._connect_microphone(self.publications.connected(officer))
        for subscription in self.subscriptions:
            self._begin_subscription(subscription)
        self._report_turn(wanted, True, now, "")

    def stop(self, now: float, reason: str) -> None:
        """End the turn, if there is one; exact to the packet."""
        turn, self.turn = self.turn, None
        if turn is None:
            return
        microphone = self.publications.connected(turn.officer)
        if microphone is not None:
            microphone.peer.streams = {}
        self.track.replace_publisher(None, NO_PUBLISHER)
        for down_track in self.track.down_tracks:
            self.track.stop(down_track)
        self._update_tap()
        self._report_turn(turn, False, now, reason)

    def _begin_publication(self, microphone: Publication[str]) -> None:
        if self.turn is not None and self.turn.officer == microphone.publisher:
            self._connect_microphone(microphone)

    def _connect_microphone(self, microphone: Publication[str] | None) -> None:
        """Let the microphone of the officer who may speak feed the track."""
        if microphone is not None and self.track.publisher is not microphone.peer:
            self.track.replace_publisher(microphone.peer, microphone.params["audio"])

    def _begin_subscription(self, subscription: Subscription) -> None:
        if subscription.peer.ready and self._meant_for(subscription):
            for down_track in subscription.peer.down_tracks:
                self.track.start(down_track)

    def _meant_for(self, subscription: Subscription) -> bool:
        """Whether the turn is for this subscriber: a room that is named, or an officer other than the one who
        speaks."""
        if self.turn is None:
            return False
        if subscription.side is not None:
            return subscription.side in self.turn.sides
        return subscription.subscriber != self.turn.officer

    def _report_turn(self, turn: Turn, on: bool, now: float, reason: str) -> None:
        sides = tuple(sorted(turn.sides))
        self._report(
            TalkbackChanged(session=self._session, publisher=turn.officer, sides=sides, open=on, mono=now, why=reason)
        )

    # --- the recorder, and what is due -------------------------------------------------------------------------

    def record(self, on: bool) -> None:
        """Put what is said on the tap, too, or no longer."""
        self._recording = on
        self._update_tap()

    def _update_tap(self) -> None:
        if self._recording:
            self._mark()
        self.track.tap = self._tap if self._recording and self.turn is not None else None

    def tick(self, now: float) -> None:
        """Adapt what listeners get to their lines."""
        for subscription in self.subscriptions:
            subscription.adaptation.tick(now)

    def send_receiver_reports(self, now: float) -> None:
        """Report to the microphone how its stream arrives."""
        rtcp_feedback.send_receiver_reports([self.track], now)
