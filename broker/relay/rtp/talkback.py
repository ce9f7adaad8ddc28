"""Officers who speak in (插话): whoever is let speak is heard by the rooms that were named and by the other officers
who listen, one voice at a time, as nothing here is decoded or mixed. Listening is no watching: it proves no presence.

Nobody has the floor until the broker says so. With the floor's end the legs leave the plan and the microphone loses the
track, so not one packet more goes to a room or to the recorder; what the microphone sends meanwhile is dropped."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from broker.kernel.errors import TooMany
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.media.tap_format import VOICE
from broker.relay.congestion.subscriber_adaptation import SubscriberAdaptation
from broker.relay.down_track import DownTrack, down_track_for
from broker.relay.negotiation.codec_params import NOBODY, CodecParams
from broker.relay.rtp import rtcp_feedback
from broker.relay.track import Track
from broker.relay.transport.peer import Peer

KINDS = ("audio",)
MAX_SPEAKERS, MAX_LISTENERS = 16, 24


@dataclass(frozen=True, slots=True)
class Speech:
    """Who has the floor, and which rooms hear it."""

    who: str
    sides: frozenset[Side]


@dataclass(slots=True, eq=False)
class Listening:
    """Somebody whom the voice can reach: the kiosk of room `side`, or an officer (None)."""

    side: Side | None
    who: str
    peer: Peer
    leg: DownTrack
    tending: SubscriberAdaptation = field(init=False)


class Talkback:
    """The voice of one session. `drop` ends a client, `tell` sends a fact up to the broker, `mark` has the recorder
    know that the voice begins anew."""

    def __init__(
        self, session: SessionId, tap: int, tell: Callable[..., None], drop: Callable[[Peer, str], None]
    ) -> None:
        self.track = Track("audio", VOICE, f"voice-{tap}")
        self.speech: Speech | None = None
        self.listeners: dict[ResourceId, Listening] = {}
        self.mark: Callable[[], None] = lambda: None
        self._session, self._tap, self._tell, self._drop = session, tap, tell, drop
        self._recording = False
        self._joining: dict[ResourceId, tuple[Peer, str]] = {}
        self._microphones: dict[str, tuple[Peer, CodecParams]] = {}

    def peers(self) -> Iterator[Peer]:
        """Everybody connected or connecting for the voice's sake."""
        for peer, _ in (*self._joining.values(), *self._microphones.values()):
            yield peer
        for listening in self.listeners.values():
            yield listening.peer

    # --- microphones and listeners -----------------------------------------------------------------------------

    def publish(self, who: str, peer: Peer, terms: CodecParams) -> None:
        """`peer` will be this officer's microphone as soon as it is connected; it is not heard before it may be."""
        if len(self._microphones) + len(self._joining) >= MAX_SPEAKERS:
            raise TooMany("Too many microphones in this session.", "插话连接数已达上限。")
        peer.by_payload_type[terms.payload_type] = self.track
        if terms.rtx is not None:
            peer.repairs[terms.rtx] = self.track
        if terms.red is not None:
            peer.by_payload_type[terms.red] = peer.redundant[terms.red] = self.track

        def ready() -> None:
            self._joining.pop(peer.resource, None)
            earlier = self._microphones.get(who)
            self._microphones[who] = (peer, terms)
            self._give_voice()
            if earlier is not None:
                self._drop(earlier[0], "replaced by a newer connection")

        for other, whose in list(self._joining.values()):
            if whose == who:
                self._drop(other, "replaced by a newer connection")
        self._joining[peer.resource] = (peer, who)
        peer.on_ready = ready
        peer.on_gone = lambda why: self._drop(peer, why)

    def listen(self, side: Side | None, who: str, peer: Peer, terms: CodecParams) -> None:
        """`peer` will get the voice once connected, whenever it is meant for it."""
        if len(self.listeners) >= MAX_LISTENERS:
            raise TooMany("Too many connections listen in this session.", "收听连接数已达上限。")
        leg = down_track_for(peer, peer.path, terms, (self.track.ssrc_out, self.track.rtx_out), gated=False)
        listening = Listening(side, who, peer, leg)
        listening.tending = SubscriberAdaptation(peer.path, [(self.track, leg)], gated=False)
        peer.legs.append((self.track, leg))
        self.track.add(leg)
        self.listeners[peer.resource] = listening
        peer.on_ready = lambda: self._listener_ready(listening)
        peer.on_gone = lambda why: self._drop(peer, why)

    def _listener_ready(self, listening: Listening) -> None:
        for other in [one for one in self.listeners.values() if one is not listening]:
            if listening.side is not None and other.side is listening.side and other.peer.ready:
                self._drop(other.peer, "replaced by a newer connection")
        if self._meant(listening):
            self.track.start(listening.leg)

    def forget(self, peer: Peer, now: float) -> None:
        """A client has ended; with the speaker's microphone ends the speech."""
        self.listeners.pop(peer.resource, None)
        self._joining.pop(peer.resource, None)
        for who, (microphone, _) in list(self._microphones.items()):
            if microphone is peer:
                del self._microphones[who]
                if self.speech is not None and self.speech.who == who:
                    self.shut(now, "microphone gone")

    # --- the floor -----------------------------------------------------------------------------------------------

    def open(self, who: str, sides: frozenset[Side], now: float) -> None:
        """`who` speaks to `sides` from this moment on, in place of anybody else. Without a microphone nobody does."""
        wanted = Speech(who, sides)
        if self.speech == wanted:
            return
        self.shut(now, "somebody else" if self.speech is not None and self.speech.who != who else "other rooms")
        if who not in self._microphones and who not in {whose for _, whose in self._joining.values()}:
            self._say(wanted, False, now, "no microphone")
            return
        self.speech = wanted
        self._record()
        self._give_voice()
        for listening in self.listeners.values():
            if self._meant(listening):
                self.track.start(listening.leg)
        self._say(wanted, True, now, "")

    def shut(self, now: float, why: str) -> None:
        """Nobody is heard from this moment; exact to the packet."""
        speech, self.speech = self.speech, None
        if speech is None:
            return
        if self.track.peer is not None:
            self.track.peer.streams = {}
        self.track.replace_publisher(None, NOBODY)
        for listening in self.listeners.values():
            self.track.stop(listening.leg)
        self._record()
        self._say(speech, False, now, why)

    def _give_voice(self) -> None:
        """The microphone of who has the floor feeds the track."""
        microphone = self._microphones.get(self.speech.who) if self.speech is not None else None
        if microphone is not None and self.track.peer is not microphone[0]:
            self.track.replace_publisher(*microphone)

    def _meant(self, listening: Listening) -> bool:
        """Whether somebody is to hear what is said now; nobody hears himself."""
        speech = self.speech
        if speech is None or not listening.peer.ready:
            return False
        return listening.side in speech.sides if listening.side is not None else listening.who != speech.who

    def _say(self, speech: Speech, on: bool, now: float, why: str) -> None:
        sides = sorted(speech.sides)
        self._tell("floor", session=self._session, who=speech.who, sides=sides, open=on, mono=now, why=why)

    # --- the recorder, and what is due -------------------------------------------------------------------------

    def record(self, on: bool) -> None:
        """Give what is said to the recorder too, or no longer."""
        self._recording = on
        self._record()

    def _record(self) -> None:
        if self._recording:
            self.mark()
        self.track.tap = self._tap if self._recording and self.speech is not None else None

    def observe(self, now: float) -> None:
        """Look after the lines of those who listen."""
        for listening in self.listeners.values():
            listening.tending.look(now)

    def report(self, now: float) -> None:
        """Tell the microphone how it arrives."""
        rtcp_feedback.report([self.track], now)
