"""One session inside a worker: two sides that publish, those who watch, and the gate between the two rooms."""

import asyncio
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

from broker.kernel.clock import monotonic
from broker.kernel.errors import TooMany
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.kernel.tasks import Tasks
from broker.media.tap_format import PRISON_AUDIO, PRISON_VIDEO, VISITOR_AUDIO, VISITOR_VIDEO
from broker.relay.congestion.publisher_rate import PublisherRate
from broker.relay.congestion.receiving_proof import ReceivingProof, numbers, signs
from broker.relay.down_track import DownTrack, down_track_for
from broker.relay.gate import Gate
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp import rtcp_feedback
from broker.relay.rtp.simulcast_layers import SimulcastLayers
from broker.relay.rtp.talkback import Talkback
from broker.relay.track import Track
from broker.relay.transport.peer import Peer

SOON = 0.01  # seconds between looks at what is missing, while something is
MAX_WATCHERS = 24  # supervisors' connections; the two rooms always find a place
REPLACED = "replaced by a newer connection"

NUMBERS = {
    (Side.PRISON, "video"): PRISON_VIDEO,
    (Side.PRISON, "audio"): PRISON_AUDIO,
    (Side.VISITOR, "video"): VISITOR_VIDEO,
    (Side.VISITOR, "audio"): VISITOR_AUDIO,
}
Tell = Callable[..., None]


class RelaySession:
    """Publications, subscriptions and the gate of one session. `tell` sends a fact up to the broker, `on_limit` is
    called when the first crossing has set the limit."""

    def __init__(self, session: SessionId, tap: int, tell: Tell, on_limit: Callable[[], None]) -> None:
        self.session, self.tap, self._tell, self._on_limit = session, tap, tell, on_limit
        self.gate = Gate()
        self.tracks = {
            side: {kind: Track(kind, NUMBERS[side, kind], f"{side}-{tap}") for kind in ("audio", "video")}
            for side in Side
        }
        """What most get of each side: its sound, and of its picture the best encoding that comes."""
        self.streams = {side: list(tracks.values()) for side, tracks in self.tracks.items()}
        self.layers = {side: SimulcastLayers(self.tracks[side], self.streams[side], self._begin) for side in Side}
        self._uplinks = {side: PublisherRate(streams) for side, streams in self.streams.items()}
        self.publishers: dict[Side, tuple[Peer, str]] = {}
        self.joining: dict[ResourceId, tuple[Peer, Side]] = {}
        self.watchings: dict[ResourceId, ReceivingProof] = {}
        self.media: dict[Side, frozenset[str]] = dict.fromkeys(Side, frozenset())
        """Which kinds each side really sends."""
        self.open_now = False
        self.observed = self.reported = monotonic()
        """When was last looked at who sends and receives; when its publishers and the broker were told how it goes."""
        self.muted: frozenset[Side] = frozenset()
        """The sides whose sound does not cross."""
        self.floor = Talkback(session, tap, tell, self._drop)
        self._asking: asyncio.TimerHandle | None = None
        for track in self.all_tracks():
            self._begin(track)
        self._goodbyes = Tasks()

    def _begin(self, track: Track) -> None:
        track.on_gap = self._ask_soon

    def all_tracks(self) -> Iterator[Track]:
        """Those of the rooms, and the officers' voice."""
        yield from self.room_tracks()
        yield self.floor.track

    def room_tracks(self) -> Iterator[Track]:
        """The four tracks, and those of further encodings."""
        for streams in self.streams.values():
            yield from streams

    # --- publishing and watching ---------------------------------------------------------------------------------

    def publish(self, side: Side, who: str, peer: Peer, terms: dict[str, CodecParams]) -> None:
        """`peer` will be this side's publisher as soon as it is connected; then it replaces the present one."""

        def ready() -> None:
            self.joining.pop(peer.resource, None)
            earlier = self.publishers.get(side)
            self.publishers[side] = (peer, who)
            for kind, agreed in terms.items():
                self._replace(peer, side, kind, agreed)
            if earlier is not None:
                self._drop(earlier[0], REPLACED)

        for other, of_side in list(self.joining.values()):
            if of_side is side:
                self._drop(other, REPLACED)
        self.joining[peer.resource] = (peer, side)
        peer.on_ready = ready
        peer.on_gone = lambda why: self._drop(peer, why)

    def _replace(self, peer: Peer, side: Side, kind: str, agreed: CodecParams) -> None:
        """From now on `peer` sends this side's picture, in one or in several encodings, or its sound."""
        tracks = {"": self.tracks[side][kind]}
        if kind == "video":
            tracks = self.layers[side].assign(agreed.simulcast.rids if agreed.simulcast is not None else ("",))
            peer.simulcast = agreed.simulcast
            peer.encodings = {rid.encode(): track for rid, track in tracks.items()}
        for track in tracks.values():
            track.replace_publisher(peer, agreed)
        first = next(iter(tracks.values()))
        peer.by_payload_type[agreed.payload_type] = first
        if agreed.rtx is not None:
            peer.repairs[agreed.rtx] = first
        if agreed.red is not None:
            peer.by_payload_type[agreed.red] = peer.redundant[agreed.red] = first

    def watch(self, side: Side, who: str, gated: bool, peer: Peer, terms: dict[str, CodecParams]) -> ReceivingProof:
        """`peer` will get this side's picture and sound once connected; the far room's only through the gate.

        It takes the place of the same watcher's last attempt, and later of its connection. Raises TooMany."""
        watching = ReceivingProof(side, who, gated, peer)
        for other in [one for one in self.watchings.values() if one.same(watching) and not one.peer.ready]:
            self._drop(other.peer, REPLACED)
        if not gated and sum(not one.gated for one in self.watchings.values()) >= MAX_WATCHERS:
            raise TooMany("Too many connections watch this session.", "观看连接数已达上限。")
        for kind, agreed in terms.items():
            track = self.tracks[side][kind]
            leg = down_track_for(peer, peer.path, agreed, (track.ssrc_out, track.rtx_out), gated)
            peer.legs.append((track, leg))
            track.add(leg)
        self.watchings[peer.resource] = watching
        peer.on_ready = lambda: self._watcher_ready(watching)
        peer.on_gone = lambda why: self._drop(peer, why)
        return watching

    def _watcher_ready(self, watching: ReceivingProof) -> None:
        watching.joined = watching.peer.heard
        for other in self._earlier(watching):
            if watching.gated or not other.receiving:
                self._drop(other.peer, REPLACED)
        if not watching.gated or self.open_now:
            self._start(watching)

    def _earlier(self, watching: ReceivingProof) -> list[ReceivingProof]:
        """The same watcher's connections from before this one."""
        others = [one for one in self.watchings.values() if one is not watching and one.same(watching)]
        return [one for one in others if one.peer.ready and one.joined <= watching.joined]

    def drop(self, resource: ResourceId, why: str) -> bool:
        """End a publication or subscription; False when there is none of that name."""
        for peer in self.peers():
            if peer.resource == resource:
                self._drop(peer, why)
                return True
        return False

    def peers(self) -> list[Peer]:
        """Everybody connected or connecting."""
        published = [peer for peer, _ in self.publishers.values()]
        joining = [peer for peer, _ in self.joining.values()]
        watching = [one.peer for one in self.watchings.values()]
        return [*published, *joining, *watching, *self.floor.peers()]

    def _drop(self, peer: Peer, why: str) -> None:
        if peer.closed:
            return
        peer.end()
        watching = self.watchings.pop(peer.resource, None)
        if watching is not None:
            self._tell_watching(watching, (False, False), monotonic())
        self.joining.pop(peer.resource, None)
        self.floor.forget(peer, monotonic())
        for side, (publisher, _) in list(self.publishers.items()):
            if publisher is peer:
                del self.publishers[side]
                self._tell_media(side, frozenset())
        self._tell("gone", session=self.session, resource=peer.resource, why=why)
        self._goodbyes.spawn(peer.goodbye())

    async def close(self, now: float) -> None:
        """End everything of this session."""
        self.shut(now, "session closed")
        self.floor.shut(now, "session closed")
        if self._asking is not None:
            self._asking.cancel()
        for peer in self.peers():
            self._drop(peer, "session closed")
        await self._goodbyes.wait()

    # --- the gate --------------------------------------------------------------------------------------------------

    def lease(
        self,
        now: float,
        until: float,
        deadline: float,
        limit: float,
        muted: frozenset[Side] = frozenset(),
        crossed: float | None = None,
    ) -> None:
        """Open the gate, or keep it open; opening asks both rooms for a keyframe. The sound of `muted` sides stays
        out, exact to the packet from this lease on."""
        self.gate.lease(now, until, deadline, limit, crossed)
        changed, self.muted = self.muted ^ muted, muted
        if changed:
            self._mute_anew(changed)
        if self.open_now or not self.gate.is_open(now):
            return
        self.open_now = True
        for watching in self.watchings.values():
            if watching.gated and watching.peer.ready:
                self._start(watching)
        self.ask(now)
        if self.gate.crossed is None:
            for track in self.room_tracks():
                track.crossing = self._forwarded
        self._tell("gate", session=self.session, open=True, mono=now, why="")

    def extend(self, now: float, made: float, limit: float, deadline: float) -> bool:
        """Put the end off, as an approval says; whether that changed anything. It opens nothing: a lease does."""
        if not self.gate.extend(now, made, limit, deadline):
            return False
        self._tell("extended", session=self.session, mono=now, limit=limit, stop=self.gate.stop)
        return True

    def shut(self, now: float, why: str) -> None:
        """Nothing crosses from this moment; exact to the packet, as the legs leave the plan at once."""
        self.gate.shut()
        if not self.open_now:
            return
        self.open_now = False
        for track, leg in self._gated():
            track.stop(leg)
        self._tell("gate", session=self.session, open=False, mono=now, why=why)

    def expire(self, now: float) -> None:
        """Shut when lease or limit have run out."""
        if self.open_now and not self.gate.is_open(now):
            why = "limit" if now >= self.gate.stop else "lease ran out"
            self.shut(now, why)

    def _forwarded(self, track: Track, now: float) -> None:
        """A packet of `track` is about to be sent: does it cross, and is it the first to do so?"""
        if not any(leg.gated and leg.flowing for leg in track.legs):
            return
        track.crossing = None
        if self.gate.forwarded(track.number in (PRISON_VIDEO, PRISON_AUDIO), now):
            self._tell("crossed", session=self.session, mono=now)
            self._on_limit()

    def _start(self, watching: ReceivingProof) -> None:
        """Let flow what this watcher may get: the far room not the sound of a muted side."""
        for track, leg in watching.legs:
            if track.video or not (watching.gated and watching.side in self.muted):
                track.start(leg)

    def _mute_anew(self, changed: frozenset[Side]) -> None:
        """Stop or start the sound of these sides on its way to the far room; pictures go on as they are."""
        for watching in self.watchings.values():
            if not watching.gated or watching.side not in changed:
                continue
            for track, leg in watching.legs:
                if not track.video and watching.side in self.muted:
                    track.stop(leg)
                elif not track.video and self.open_now and watching.peer.ready:
                    track.start(leg)

    def _gated(self) -> Iterator[tuple[Track, DownTrack]]:
        for watching in self.watchings.values():
            if watching.gated:
                yield from watching.legs

    # --- facts -----------------------------------------------------------------------------------------------------

    def observe(self, now: float) -> None:
        """Look at who sends and who receives; tell what changed."""
        for side, tracks in self.tracks.items():
            self.layers[side].look(now)
            self._tell_media(side, frozenset(kind for kind, track in tracks.items() if track.watch_flow(now)))
        for side, uplink in self._uplinks.items():
            rate = uplink.look(now, self._far_need(side), self.layers[side].beside)
            if rate is not None:
                rtcp_feedback.limit(self.streams[side], rate)
        for watching in list(self.watchings.values()):
            watching.tending.look(now)
            self._tell_watching(watching, signs(watching, now), now)
        self.floor.observe(now)
        for peer in self.peers():
            why = peer.expired(now)
            if why:
                self._drop(peer, why)

    def _far_need(self, side: Side) -> float:
        """What the line of the room that watches `side` carries of its picture."""
        needs = [one.tending.need for one in self.watchings.values() if one.gated and one.side is side]
        return min(needs, default=inf)

    def repeat(self, tell: Tell) -> None:
        """Tell a broker that has just connected what holds."""
        tell("admitted", session=self.session)
        if self.gate.crossed is not None:
            tell("crossed", session=self.session, mono=self.gate.crossed)
        for side, kinds in self.media.items():
            if kinds:
                tell("media", session=self.session, **_media(side, kinds))
        for presence in self.presences(monotonic()):
            tell("watching", session=self.session, **presence)

    def _tell_media(self, side: Side, kinds: frozenset[str]) -> None:
        if self.media[side] != kinds:
            self.media[side] = kinds
            self._tell("media", session=self.session, **_media(side, kinds))

    def _tell_watching(self, watching: ReceivingProof, found: tuple[bool, bool], now: float) -> None:
        if watching.signs == found:
            return
        watching.signs, watching.receiving = found, all(found)
        self._tell("watching", session=self.session, **_presence(watching, now))
        if watching.receiving:  # only now may the earlier one go: in between nobody would watch, the gate would shut
            for other in self._earlier(watching):
                self._drop(other.peer, REPLACED)

    def presences(self, now: float) -> list[dict[str, Any]]:
        """Everybody who watches, or tries to, as the broker is told: on each change, and once a second."""
        return [_presence(watching, now) for watching in self.watchings.values()]

    # --- the recorder and the publishers ---------------------------------------------------------------------------

    def record(self, on: bool) -> None:
        """Give every packet to the recorder too, from a fresh keyframe on; or no longer."""
        for track in self.room_tracks():
            track.tap = None
        for track in [one for tracks in self.tracks.values() for one in tracks.values() if on]:
            track.tap = self.tap
            track.want_keyframe(newcomer=True)
        self.floor.record(on)

    def _ask_soon(self) -> None:
        """A packet is missing: ask for it as soon as disorder can no longer be the reason."""
        if self._asking is None:
            self._asking = asyncio.get_running_loop().call_later(SOON, self._ask_now)

    def _ask_now(self) -> None:
        self._asking = None
        self.ask(monotonic())
        if any(track.arrivals is not None and track.arrivals.missing for track in self.all_tracks()):
            self._ask_soon()

    def ask(self, now: float) -> None:
        """Repairs and keyframes that are due."""
        self.expire(now)  # a repair crosses as little as any packet
        for track in self.all_tracks():
            rtcp_feedback.ask(track, now)

    def report(self, now: float) -> None:
        """Once a second: tell publishers how they arrive."""
        for streams in self.streams.values():
            rtcp_feedback.report(streams, now)
        self.floor.report(now)


def _media(side: Side, kinds: frozenset[str]) -> dict[str, Any]:
    """`on`: a room is there only with picture and sound."""
    picture, sound = "video" in kinds, "audio" in kinds
    return {"side": side, "on": picture and sound, "picture": picture, "sound": sound}


def _presence(watching: ReceivingProof, now: float) -> dict[str, Any]:
    consent, reports = watching.signs
    return {
        "resource": watching.peer.resource,
        "side": watching.side,
        "who": watching.who,
        "gated": watching.gated,
        "on": watching.receiving,
        "consent": consent,
        "reports": reports,
        **numbers(watching, now),
    }
