"""RTCP both ways: what clients report is noted and answered, what publishers need to know is said once a second."""

from typing import TYPE_CHECKING

from broker.media import rtcp
from broker.media.tap_format import SENDER_REPORT
from broker.relay.rtp import retransmission, twcc

if TYPE_CHECKING:
    from broker.relay.down_track import DownTrack
    from broker.relay.fanout import Fanout
    from broker.relay.track import Track
    from broker.relay.transport.peer import Peer


def handle(peer: "Peer", fanout: "Fanout", data: bytes, now: float, arrival_ns: int) -> None:
    """Everything in one decrypted compound of `peer`."""
    for packet in rtcp.compound(data):
        if packet.kind == rtcp.RTPFB and packet.format == rtcp.TRANSPORT_WIDE:  # most of what there is
            _arrived(peer, packet.body, now)
            continue
        if packet.kind in (rtcp.SR, rtcp.RR):
            for block in rtcp.report_blocks(packet):
                _reported(peer, block, now)
        if packet.kind == rtcp.SR:
            _sender_report(peer, fanout, packet, now, arrival_ns)
        elif packet.kind == rtcp.RTPFB and packet.format == rtcp.NACK:
            _misses(peer, packet.body, now)
            retransmission.answer(peer, packet.body, now)
        elif packet.kind == rtcp.PSFB and packet.format == rtcp.REMB:
            peer.path.estimated = rtcp.remb(packet.body) or peer.path.estimated
        elif packet.kind == rtcp.PSFB and packet.format == rtcp.PLI:
            _keyframe(peer, rtcp.media_ssrc(packet.body))
        elif packet.kind == rtcp.PSFB and packet.format == rtcp.FIR:
            for ssrc in rtcp.fir_ssrcs(packet.body)[:4]:
                _keyframe(peer, ssrc)


def _leg_of(peer: "Peer", ssrc: int | None) -> "tuple[Track, DownTrack] | None":
    return next(((track, leg) for track, leg in peer.legs if leg.ssrc == ssrc), None)


def _reported(peer: "Peer", block: rtcp.ReportBlock, now: float) -> None:
    """A watcher tells what it got: only progress proves that it still receives."""
    found = _leg_of(peer, block.ssrc)
    if found is None:
        return
    track, leg = found
    if block.highest != leg.reported or not track.best.flowing(now):
        leg.progressed_at = now
    leg.reported, leg.lost_fraction, leg.jitter = block.highest, block.fraction, block.jitter
    sent = leg.reports.get(block.last_sr)
    if sent is not None:
        leg.round_trip = max(0.0, now - sent - block.delay / 65536)


def _misses(peer: "Peer", body: bytes, now: float) -> None:
    """A watcher sees that a packet is missing when a later one has come: of a number that it never missed before, that
    is as good a proof that it receives as a report."""
    ssrc, numbers = rtcp.nacked(body) or (None, [])
    found = _leg_of(peer, ssrc)
    if not numbers or found is None:
        return
    track, leg = found
    newest = max(track.extended(leg, seq) for seq in numbers)
    if leg.flowing and newest > leg.missed:
        leg.missed, leg.progressed_at = newest, now


def _arrived(peer: "Peer", body: bytes, now: float) -> None:
    """A watcher names packets that have come: of each stream one is proof that it still receives that."""
    told = twcc.parse(body)
    if told is None:
        return
    arrived, lost = peer.path.learn(told)
    for track, leg in peer.legs:
        if track.ssrc_out in arrived:
            leg.progressed_at = now
    if lost:
        retransmission.bring(peer, lost, now)


def _sender_report(peer: "Peer", fanout: "Fanout", packet: rtcp.RtcpPacket, now: float, arrival_ns: int) -> None:
    report = rtcp.sender_report(packet)
    track = peer.streams.get(report.ssrc) if report else None
    if report is None or track is None or track.arrivals is None or track.arrivals.ssrc != report.ssrc:
        return
    track.arrivals.last_sr, track.arrivals.last_sr_at = report.ntp >> 16 & 0xFFFFFFFF, now
    if track.tap is not None:
        fanout.tap.put(track.tap, track.number, SENDER_REPORT, arrival_ns, rtcp.build_sender_report(report))
    for leg in track.legs:
        if leg.flowing:
            leg.reporting(report.ntp >> 16 & 0xFFFFFFFF, now)
            own = rtcp.build_sender_report(track.sender_report_for(leg, report))
            leg.peer.send_rtcp(own + rtcp.build_sdes(leg.ssrc, track.cname))


def _keyframe(peer: "Peer", ssrc: int | None) -> None:
    found = _leg_of(peer, ssrc)
    if found is not None and found[1].flowing:
        found[1].wish = True


def _wishes(track: "Track", now: float) -> None:
    """Pass on who wishes a keyframe: the far room always, a supervisor as often as it may cost the others."""
    for leg in track.legs:
        if leg.wish and (leg.gated or leg.wishes.take(now)):
            leg.wish = False
            track.want_keyframe()


def ask(track: "Track", now: float) -> None:
    """Ask a track's publisher for lost packets and for a keyframe, when due."""
    peer, arrivals = track.peer, track.arrivals
    if track.repaired:
        retransmission.echo(track, now)
    _wishes(track, now)
    if peer is None or not peer.ready:
        return
    due = track.repairs_due(now)
    if due and track.nack and arrivals is not None:
        peer.send_rtcp(rtcp.build_opening([]) + rtcp.build_nack(arrivals.ssrc, due))
    if track.video and arrivals is not None and track.keyframes.due(now):
        peer.send_rtcp(rtcp.build_opening([]) + rtcp.build_pli(arrivals.ssrc))


def report(tracks: "list[Track]", now: float) -> None:
    """Tell one publisher how its streams arrive."""
    live = [track.arrivals for track in tracks if track.arrivals is not None]
    peer = next((track.peer for track in tracks if track.peer is not None), None)
    if live and peer is not None:
        peer.send_rtcp(rtcp.build_opening([arrivals.report(now) for arrivals in live]))


def limit(tracks: "list[Track]", rate: int) -> None:
    """Tell one publisher how many bit/s it may send."""
    pictures = [track for track in tracks if track.video and track.arrivals is not None and track.peer is not None]
    ssrcs = [track.arrivals.ssrc for track in pictures if track.arrivals is not None]
    if pictures and pictures[0].peer is not None:
        pictures[0].peer.send_rtcp(rtcp.build_opening([]) + rtcp.build_remb(rate, ssrcs))
