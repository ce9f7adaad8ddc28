"""Decides when a subscriber counts as receiving (Yunnan 25), pure: only its own reports on what arrived prove that.

Browsers name each packet, ten times a second and oftener; other clients report on a picture once or twice a second, on
sound more rarely."""

from math import inf
from typing import TypedDict

from broker.relay.track import CLOCK, Destination
from broker.relay.transport.peer import Peer

RECEIVING = 1.75  # seconds: reports come every 0.5 to 1.5 s or oftener; an absence must shut the gate within 2 s
BRIDGED = 3.2  # seconds, while the same subscriber's sound is reported on: one report on the picture may get lost, or
# the picture is thinned and comes every two seconds
SOUND = 9.0  # seconds: Chromium reports on unstamped sound only every 2.5 to 7.5 s
ALIVE = 8.0  # seconds between signs of life of a subscriber whose room does not send: aiortc checks every 4 to 6 s
DEAF = 6.0  # seconds without progress in the reports of a room that is sent to: four reports on a picture in a row


class Numbers(TypedDict):
    """The members of a reported subscription that are measured."""

    consent_age: float
    report_age: float | None
    loss: float
    jitter: float
    round_trip: float | None


class ReceivingProof:
    """What proves that `peer` receives one side; `gated` is the far room, which is sent nothing while the gate is shut.
    `connected_at` is when its connection was made (monotonic s)."""

    __slots__ = ("_sent_since", "connected_at", "gated", "peer")

    def __init__(self, peer: Peer, gated: bool) -> None:
        self.peer, self.gated = peer, gated
        self.connected_at = 0.0
        self._sent_since = inf

    def receives(self, now: float) -> bool:
        """Whether fresh reports prove that picture and sound of the side arrive."""
        return all(self.signs(now))

    def signs(self, now: float) -> tuple[bool, bool]:
        """Return whether consent (RFC 7675: the client still wants to be sent to) and receiver reports are fresh.
        Reports of a subscriber without a picture never are. A far room has nothing to report on before the gate opens:
        its connection stands when it is alive and agreed to picture and sound."""
        alive = self.peer.ready and now - self.peer.heard < ALIVE
        if self.gated:
            kinds = {down_track.track.video for down_track in self.peer.down_tracks}
            return alive, len(kinds) == 2
        picture = any(down_track.track.video for down_track in self.peer.down_tracks)
        return alive, picture and all(self._fresh(down_track, now) for down_track in self.peer.down_tracks)

    def deaf(self, now: float) -> bool:
        """Whether a far room has reported on its picture and no longer does, or none of it arrives any more. It is
        asked regularly. A client that never reports is believed as long as it is alive."""
        pictures = [down_track for down_track in self.peer.down_tracks if down_track.track.video and down_track.flowing]
        if not (self.gated and pictures and all(one.track.best.flowing(now) for one in pictures)):
            self._sent_since = inf
            return False
        self._sent_since = min(self._sent_since, now)
        proven = max(down_track.reports.progressed_at for down_track in pictures)
        return proven > 0 and now - max(proven, self._sent_since) >= DEAF

    def numbers(self, now: float) -> Numbers:
        """Return the age of the last proofs (s), the part of packets lost, jitter and round trip (s) of the last
        reports. None: not known yet. Of picture and sound the worse; only numbers that JSON has."""
        down_tracks = self.peer.down_tracks
        reports = [down_track.reports for down_track in down_tracks]
        proven = [report.progressed_at for report in reports if report.progressed_at > 0]
        trips = [report.round_trip for report in reports if report.round_trip is not None]
        jitters = [down_track.reports.jitter / CLOCK[down_track.track.kind] for down_track in down_tracks]
        return {
            "consent_age": now - self.peer.heard,
            "report_age": now - min(proven) if reports and len(proven) == len(reports) else None,
            "loss": max((report.lost_fraction / 256 for report in reports), default=0.0),
            "jitter": max(jitters, default=0.0),
            "round_trip": max(trips, default=None),
        }

    def _fresh(self, down_track: Destination, now: float) -> bool:
        """Whether reports on one stream are fresh. While nothing is sent, as of sound that gives way to a picture in
        sign language, there is nothing to prove; when it is sent
        again, a subscriber that had proven it before has a report's time to prove it again."""
        track = down_track.track.best  # a smaller encoding that has stopped does not excuse missing reports
        if not track.flowing(now) or now - down_track.silenced_at < SOUND:
            return True
        progressed_at = down_track.reports.progressed_at
        if not track.video and not down_track.named:
            return now - max(progressed_at, self.connected_at, track.flowing_since) < SOUND
        # A picture that is paused as the line is too weak is not watched either: the law asks for eyes (Yunnan 25). One
        # that the worker thins comes every two seconds.
        rare = down_track.thinned or not (down_track.named or down_track.resting)
        bridged = rare and self._sound_reported(now)
        passed = now - max(progressed_at, track.flowing_since)
        return progressed_at > 0 and passed < (BRIDGED if bridged else RECEIVING)

    def _sound_reported(self, now: float) -> bool:
        """Whether fresh reports on its sound come, on the same path as those on its picture."""
        return any(
            now - down_track.reports.progressed_at < RECEIVING
            for down_track in self.peer.down_tracks
            if not down_track.track.video
        )
