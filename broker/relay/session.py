"""One session inside a worker: two sides that publish, their subscribers, and the gate between the two rooms."""

import asyncio
import random
from collections.abc import Callable, Iterator
from math import inf

from broker.ipc import relay_messages as messages
from broker.kernel.clock import monotonic
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.kernel.tasks import Tasks
from broker.media.tap_format import PRISON_AUDIO, PRISON_VIDEO, VISITOR_AUDIO, VISITOR_VIDEO
from broker.relay.congestion.publisher_rate import PublisherRate
from broker.relay.congestion.thinning import Thinning
from broker.relay.down_track import SENDING
from broker.relay.gate import Gate
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.publications import Limit, Publication, Publications
from broker.relay.rtp import retransmission, rtcp_feedback
from broker.relay.rtp.simulcast_layers import SimulcastLayers
from broker.relay.stats import track_counts
from broker.relay.subscriptions import Subscription, Subscriptions
from broker.relay.talkback import Talkback
from broker.relay.track import Track
from broker.relay.transport.peer import Peer

HASTE = 0.005  # seconds before a gate shuts in which the last copy might come too late
SOON = 0.01  # seconds between looks for requests that are due, while a packet is missing
SUPERVISORS = Limit(24, "Too many connections watch this session.", "观看连接数已达上限。")
CLOSED = "session closed"
DEAF = "receives nothing"

NUMBERS = {
    (Side.PRISON, "video"): PRISON_VIDEO,
    (Side.PRISON, "audio"): PRISON_AUDIO,
    (Side.VISITOR, "video"): VISITOR_VIDEO,
    (Side.VISITOR, "audio"): VISITOR_AUDIO,
}
"""The numbers of the sides' tracks on the tap."""
Report = Callable[[messages.RelayFact], None]


class RelaySession:
    """Publications, subscriptions, talkback and the gate of one session; its clients belong to it (see `peer.Owner`).

    `report` sends a fact up to the broker; `on_limit` is called when the first crossing has set the limit; `mark`
    records that what follows on the talkback track does not continue what was before. `picture_floor`: the bit/s that
    pictures get before sound does, in a visit in sign language."""

    def __init__(
        self,
        session: SessionId,
        tap: int,
        report: Report,
        on_limit: Callable[[], None],
        mark: Callable[[], None],
        *,
        picture_floor: int = 0,
    ) -> None:
        self._picture_floor = float(picture_floor)
        self.session, self.tap, self._report, self._on_limit = session, tap, report, on_limit
        self.gate = Gate()
        self.tracks = {
            side: {
                kind: Track(kind, NUMBERS[side, kind], f"{side}-{tap}", self._request_soon)
                for kind in ("audio", "video")
            }
            for side in Side
        }
        """What most subscribers get of each side: its sound, and of its picture the best encoding that comes."""
        self.streams = {side: list(tracks.values()) for side, tracks in self.tracks.items()}
        """All tracks of each side, with those of further encodings."""
        self.layers = {side: SimulcastLayers(self.tracks[side], self.streams[side]) for side in Side}
        self._rates = {side: PublisherRate(streams, self._picture_floor) for side, streams in self.streams.items()}
        self._thinning = {side: Thinning(streams, random.random()) for side, streams in self.streams.items()}
        self.thinned = False
        """Whether supervisors get a part of the frames only."""
        self._sheds_sound = False
        """Whether supervisors get no sound, as the worker is overloaded and the pictures are in sign language."""
        self.publications: Publications[Side] = Publications(self._begin_publication, self._drop)
        self.subscriptions = Subscriptions(self._begin_subscription, self._drop, SUPERVISORS)
        self.talkback = Talkback(session, tap, report, self._drop, mark, self._request_soon)
        self.media: dict[Side, frozenset[str]] = dict.fromkeys(Side, frozenset())
        """Which kinds each side really sends."""
        self.open_now = False
        self.observed_at = self.reported_at = monotonic()
        """When `observe` ran last; when publishers and the broker last got their reports."""
        self.muted: frozenset[Side] = frozenset()
        """The sides whose sound does not cross."""
        self._requesting: asyncio.TimerHandle | None = None
        self._byes = Tasks()

    def all_tracks(self) -> Iterator[Track]:
        """Iterate over the tracks of both sides and that of talkback."""
        yield from self.side_tracks()
        yield self.talkback.track

    def side_tracks(self) -> Iterator[Track]:
        """Iterate over the four tracks of the sides, and those of further encodings."""
        for streams in self.streams.values():
            yield from streams

    def sending(self, now: float) -> int:
        """Return how many sides send media now."""
        return sum(any(track.flowing(now) for track in streams) for streams in self.streams.values())

    # --- clients -------------------------------------------------------------------------------------------------

    def publish(self, side: Side, peer: Peer, params: dict[str, CodecParams]) -> None:
        """Make `peer` this side's publisher as soon as it is connected; then it replaces the present one."""
        self.publications.add(Publication(side, peer, params))

    def _begin_publication(self, publication: Publication[Side]) -> None:
        side, peer = publication.publisher, publication.peer
        for kind, agreed in publication.params.items():
            tracks = {"": self.tracks[side][kind]}
            if kind == "video":
                tracks = self.layers[side].assign(agreed.simulcast.rids if agreed.simulcast is not None else ("",))
            for track in tracks.values():
                track.replace_publisher(peer, agreed)
            peer.publish(tracks, agreed)

    def subscribe(self, side: Side, client: str, gated: bool, peer: Peer, params: dict[str, CodecParams]) -> None:
        """Send this side's picture and sound to `peer` once it is connected; to the far room only through the gate.

        It replaces the same client's last attempt, and later its older connection. Raises TooMany."""
        key = (side, gated, None if gated else client)  # a side has one far room
        subscription = Subscription(key, side, client, gated, peer, self._picture_floor)
        self.subscriptions.add(subscription, self.tracks[side], params)

    def _begin_subscription(self, subscription: Subscription) -> None:
        """Let flow what a subscriber may get: the far room not the sound of a muted side, and all only when open. That
        its connection stands is reported at once."""
        now = monotonic()
        self._report_presence(subscription, subscription.proof.signs(now), now)
        self._start(subscription)

    def _start(self, subscription: Subscription) -> None:
        """Let flow what a subscriber may get now."""
        if subscription.gated and not self.open_now:
            return
        for down_track in subscription.peer.down_tracks:
            if down_track.track.video:
                down_track.track.start(down_track)
        self._start_sound(subscription)

    def _start_sound(self, subscription: Subscription) -> None:
        """Let the sound flow that a subscriber may get now."""
        if subscription.silenced or (subscription.gated and (not self.open_now or subscription.side in self.muted)):
            return
        for down_track in subscription.peer.down_tracks:
            if not down_track.track.video:
                down_track.track.start(down_track)

    def _weigh_sound(self, subscription: Subscription, now: float) -> None:
        """Leave out the sound that gives way to a picture in sign language; let it flow again afterwards."""
        was, subscription.silenced = subscription.silenced, self._gives_way(subscription)
        if subscription.silenced:
            for down_track in subscription.peer.down_tracks:
                if not down_track.track.video:
                    down_track.silenced_at = now
                    if down_track.flowing:
                        down_track.track.stop(down_track)
        elif was and subscription.peer.ready:
            self._start_sound(subscription)

    def _gives_way(self, subscription: Subscription) -> bool:
        """Whether the subscriber's line, or an overloaded worker, cannot take its sound beside its picture."""
        return subscription.adaptation.silenced or (self._sheds_sound and not subscription.gated)

    def handle_ready(self, peer: Peer) -> None:
        """A client's handshake is done: its media may flow."""
        self.publications.handle_ready(peer)
        self.subscriptions.handle_ready(peer)
        self.talkback.handle_ready(peer)

    def handle_gone(self, peer: Peer, reason: str) -> None:
        """A client has left or cannot go on."""
        self._drop(peer, reason)

    def peer(self, resource: ResourceId) -> Peer | None:
        """Return the client of a publication or subscription, if it is there."""
        return next((peer for peer in self.peers() if peer.resource == resource), None)

    def peers(self) -> list[Peer]:
        """Return all clients, connected and connecting."""
        return [*self.publications.peers(), *self.subscriptions.peers(), *self.talkback.peers()]

    def _drop(self, peer: Peer, reason: str) -> None:
        if peer.closed:
            return
        peer.close()
        subscription = self.subscriptions.remove(peer)
        if subscription is not None:
            self._report_presence(subscription, (False, False), monotonic())
        self.talkback.remove(peer, monotonic())
        publication = self.publications.remove(peer)
        if publication is not None:
            self._report_media(publication.publisher, frozenset())
        self._report(messages.ResourceClosed(session=self.session, resource=peer.resource, why=reason))
        self._byes.spawn(peer.send_bye())

    async def close(self, now: float) -> None:
        """End the session: the gate, talkback and all clients."""
        self.shut(now, CLOSED)
        self.talkback.stop(now, CLOSED)
        if self._requesting is not None:
            self._requesting.cancel()
        for peer in self.peers():
            self._drop(peer, CLOSED)
        await self._byes.wait()

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
        """Open the gate, or keep it open; opening asks both rooms for a keyframe. The sound of `muted` sides does not
        cross, exact to the packet from this lease on."""
        self.gate.lease(now, until, deadline, limit, crossed)
        changed, self.muted = self.muted ^ muted, muted
        if changed:
            self._update_muted(changed)
        if self.open_now or not self.gate.is_open(now):
            return
        self.open_now = True
        for subscription in self.subscriptions:
            if subscription.gated and subscription.peer.ready:
                self._start(subscription)
        self.send_requests(now)
        if self.gate.crossed is None:
            for track in self.side_tracks():
                track.crossing = self._handle_forwarded
        self._report(messages.GateChanged(session=self.session, open=True, mono=now, why=""))

    def extend(self, now: float, made: float, limit: float, deadline: float) -> bool:
        """Put the end off, as an approval says. Return whether that changed anything. It opens nothing: a lease does.

        `made` is when the approval was made (monotonic s)."""
        if not self.gate.extend(now, made, limit, deadline):
            return False
        self._report(messages.LimitExtended(session=self.session, mono=now, limit=limit, stop=self.gate.stop))
        return True

    def shut(self, now: float, reason: str) -> None:
        """Shut the gate; exact to the packet, as the down tracks leave the plan at once, and what waits is not sent."""
        self.gate.shut()
        if not self.open_now:
            return
        self.open_now = False
        for subscription in self.subscriptions:
            if subscription.gated:
                subscription.peer.cut()
                for down_track in subscription.peer.down_tracks:
                    down_track.track.stop(down_track)
        self._report(messages.GateChanged(session=self.session, open=False, mono=now, why=reason))

    def expire(self, now: float) -> None:
        """Shut the gate when lease or limit have run out."""
        if self.open_now and not self.gate.is_open(now):
            self.shut(now, "limit" if now >= self.gate.stop else "lease ran out")

    def _handle_forwarded(self, track: Track, now: float) -> None:
        """A packet of `track` is about to be sent: note whether it crosses, and whether it is the first.

        The hot loop calls this for each packet until then; hence no property of a down track is called here."""
        if not any(down_track.gated and down_track.flow in SENDING for down_track in track.down_tracks):
            return
        for other in self.side_tracks():
            other.crossing = None
        if self.gate.forwarded(now):
            self._report(messages.FirstCrossing(session=self.session, mono=now))
            self._on_limit()

    def _update_muted(self, changed: frozenset[Side]) -> None:
        """Stop or start the sound of these sides on its way to the far room; pictures go on as they are."""
        for subscription in self.subscriptions:
            if not subscription.gated or subscription.side not in changed:
                continue
            for down_track in subscription.peer.down_tracks:
                if not down_track.track.video and subscription.side in self.muted:
                    down_track.track.stop(down_track)
            if subscription.side not in self.muted and subscription.peer.ready:
                self._start_sound(subscription)

    # --- facts -----------------------------------------------------------------------------------------------------

    def observe(self, now: float) -> None:
        """Look at which sides send and which subscribers receive, and report what changed."""
        for side, tracks in self.tracks.items():
            self.layers[side].tick(now)
            self._report_media(side, frozenset(kind for kind, track in tracks.items() if track.update_flow(now)))
        for side, publisher_rate in self._rates.items():
            rate = publisher_rate.tick(now, self._far_need(side), self.layers[side].beside)
            if rate is not None:
                rtcp_feedback.send_rate_limit(self.streams[side], rate)
        for subscription in self.subscriptions:
            self._adapt(subscription, now)
            if self._picture_floor:
                self._weigh_sound(subscription, now)
            self._report_presence(subscription, subscription.proof.signs(now), now)
            if subscription.proof.deaf(now):
                self._drop(subscription.peer, DEAF)
        self.talkback.tick(now)
        for peer in self.peers():
            peer.limit_media(now)
            reason = peer.expired(now)
            if reason:
                self._drop(peer, reason)

    def _adapt(self, subscription: Subscription, now: float) -> None:
        """Fit what a subscriber gets to its line."""
        subscription.adaptation.tick(now)

    def shed(self, now: float, rationed: bool, share: float) -> bool:
        """Leave out what an overloaded worker cannot do: most repairs of supervisors' pictures where they are
        `rationed`, and their pictures but for a `share` of the time; in a visit in sign language their sound instead.
        Return whether something is still left out."""
        for track in self.side_tracks():
            for down_track in track.down_tracks:
                down_track.retransmissions.rationed = rationed and track.video and not down_track.gated
        self._sheds_sound = self._picture_floor > 0 and share < 1.0
        if self._picture_floor:
            share = 1.0
        sides = [thinning.tick(share, now) for thinning in self._thinning.values()]
        thinned = any(sides)
        if thinned is not self.thinned:
            self.thinned = thinned
            self._report(messages.PicturesThinned(session=self.session, thinned=thinned, mono=now))
        return rationed or thinned or self._sheds_sound

    def _far_need(self, side: Side) -> float:
        """Return what the line of the room that gets this side's picture carries of it, in bit/s."""
        far = [subscription for subscription in self.subscriptions if subscription.gated and subscription.side is side]
        return min((subscription.adaptation.need for subscription in far), default=inf)

    def repeat(self, report: Report) -> None:
        """Report to a broker that has just connected what holds."""
        report(messages.SessionAdmitted(session=self.session))
        if self.gate.crossed is not None:
            report(messages.FirstCrossing(session=self.session, mono=self.gate.crossed))
        if self.thinned:
            report(messages.PicturesThinned(session=self.session, thinned=True, mono=monotonic()))
        for side, kinds in self.media.items():
            if kinds:
                report(self._side_media(side, kinds))
        for subscription in self.subscription_reports(monotonic()):
            report(messages.SubscriptionChanged(session=self.session, subscription=subscription))

    def _report_media(self, side: Side, kinds: frozenset[str]) -> None:
        if self.media[side] != kinds:
            self.media[side] = kinds
            self._report(self._side_media(side, kinds))

    def _report_presence(self, subscription: Subscription, signs: tuple[bool, bool], now: float) -> None:
        if subscription.signs == signs:
            return
        subscription.signs = signs
        report = _subscription_report(subscription, now)
        self._report(messages.SubscriptionChanged(session=self.session, subscription=report))
        if subscription.receiving:  # only now may the earlier one go: a gap between both would shut the gate
            self.subscriptions.drop_earlier(subscription)

    def _side_media(self, side: Side, kinds: frozenset[str]) -> messages.SideMedia:
        """Return the fact; `on` means that the room sends both picture and sound."""
        picture, sound = "video" in kinds, "audio" in kinds
        on = picture and sound
        return messages.SideMedia(session=self.session, side=side, on=on, picture=picture, sound=sound)

    def subscription_reports(self, now: float) -> tuple[messages.Subscription, ...]:
        """Return what each subscriber has proven, as reported to the broker: on each change, and once a second."""
        return tuple(_subscription_report(subscription, now) for subscription in self.subscriptions)

    def counts(self) -> dict[Side, messages.SideCounts]:
        """Return the counts of each side and kind since the session began, from which the broker computes rates."""
        return {
            side: messages.SideCounts(audio=self._counts(side, "audio"), video=self._counts(side, "video"))
            for side in Side
        }

    def _counts(self, side: Side, kind: str) -> messages.StreamCounts:
        return track_counts(self.tracks[side][kind], [track for track in self.streams[side] if track.kind == kind])

    # --- the recorder and the publishers ---------------------------------------------------------------------------

    def record(self, on: bool) -> None:
        """Put every packet on the tap, too, from a fresh keyframe on; or no longer."""
        for track in self.side_tracks():
            track.record(None)
        for track in [track for tracks in self.tracks.values() for track in tracks.values() if on]:
            track.record(self.tap)
        self.talkback.record(on)

    def _request_soon(self) -> None:
        """A packet is missing: request it as soon as mere disorder can no longer be the reason."""
        if self._requesting is None:
            self._requesting = asyncio.get_running_loop().call_later(SOON, self._request_now)

    def _request_now(self) -> None:
        self._requesting = None
        self.send_requests(monotonic())
        if any(track.receive_stats is not None and track.receive_stats.missing for track in self.all_tracks()):
            self._request_soon()

    def send_requests(self, now: float) -> None:
        """Send the requests for packets and keyframes that are due, the retransmissions, copies on bad lines, and
        pictures on weak ones."""
        self.expire(now)  # none of these must cross a shut gate either
        may = not self.open_now or self.gate.is_open(now + HASTE)
        for track in self.all_tracks():
            rtcp_feedback.send_requests(track, now)
            if may and (retransmission.send_copies(track, now) | retransmission.send_paced(track, now)):
                self._request_soon()

    def send_receiver_reports(self, now: float) -> None:
        """Report to publishers how their streams arrive; called once a second."""
        for streams in self.streams.values():
            rtcp_feedback.send_receiver_reports(streams, now)
        self.talkback.send_receiver_reports(now)


def _subscription_report(subscription: Subscription, now: float) -> messages.Subscription:
    assert subscription.side is not None  # only a subscriber of talkback may have none
    consent, reports = subscription.signs
    return messages.Subscription(
        resource=subscription.peer.resource,
        side=subscription.side,
        subscriber=subscription.subscriber,
        gated=subscription.gated,
        on=subscription.receiving,
        consent=consent,
        reports=reports,
        **subscription.proof.numbers(now),
    )
