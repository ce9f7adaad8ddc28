"""RTCP in both directions: what clients report is noted and answered, and publishers get reports and requests. How much
of it is looked at is limited for each client (`rtcp_budget`)."""

from collections.abc import Sequence
from itertools import islice

from broker.media import rtcp
from broker.media.tap_format import SENDER_REPORT
from broker.relay.limits.rtcp_budget import MAX_PACKETS
from broker.relay.rtp import retransmission, twcc
from broker.relay.tap import Tap
from broker.relay.track import Destination, Track
from broker.relay.transport.peer import Peer


def handle_compound(peer: Peer, tap: Tap, data: bytes, now: float, arrival_ns: int) -> bool:
    """Handle each packet of one decrypted RTCP compound of `peer`; sender reports go to the `tap`, too. Return False
    where the client's budget did not suffice: then the rest was dropped."""
    take = peer.rtcp_budget.take_entries
    if not peer.rtcp_budget.take_datagram(len(data), now):
        return False
    for packet in islice(rtcp.compound(data), MAX_PACKETS):
        if not take(1):
            return False
        if packet.kind == rtcp.RTPFB and packet.format == rtcp.TRANSPORT_WIDE:  # most packets are these
            _handle_transport_wide(peer, packet.body, now)
            continue
        if packet.kind in (rtcp.SR, rtcp.RR) and take(packet.format):
            for block in rtcp.report_blocks(packet):
                _handle_report_block(peer, block, now)
        if packet.kind == rtcp.SR:
            _handle_sender_report(peer, tap, packet, now, arrival_ns)
        elif packet.kind == rtcp.RTPFB and packet.format == rtcp.NACK:
            _handle_nack(peer, packet.body, now)
        elif packet.kind == rtcp.PSFB and packet.format == rtcp.REMB:
            peer.path.estimated = rtcp.remb(packet.body) or peer.path.estimated
        elif packet.kind == rtcp.PSFB and packet.format == rtcp.PLI:
            _handle_keyframe_request(peer, rtcp.media_ssrc(packet.body), now)
        elif packet.kind == rtcp.PSFB and packet.format == rtcp.FIR:
            for ssrc in rtcp.fir_ssrcs(packet.body):
                _handle_keyframe_request(peer, ssrc, now)
    return now >= peer.rtcp_budget.empty_until


def _down_track_of(peer: Peer, ssrc: int | None) -> Destination | None:
    return next((down_track for down_track in peer.down_tracks if down_track.ssrc == ssrc), None)


def _handle_report_block(peer: Peer, block: rtcp.ReportBlock, now: float) -> None:
    down_track = _down_track_of(peer, block.ssrc)
    if down_track is not None:
        track = down_track.track.best
        excused = track.receive_stats is not None and track.receive_stats.was_cut(now)
        down_track.reports.received(block, now, track.flowing(now), excused)


def _handle_nack(peer: Peer, body: bytes, now: float) -> None:
    """Note a NACK as proof, and answer it. A subscriber sees that a packet is missing when a later one has come: for a
    packet newer than all that it missed before, this proves as much as a receiver report."""
    down_track = _down_track_of(peer, rtcp.media_ssrc(body))
    if down_track is None:
        return
    _, numbers = rtcp.nacked(body) or (None, [])
    if not numbers or not peer.rtcp_budget.take_entries(len(numbers)):
        return
    down_track.reports.missed_at, down_track.reports.nacks = now, True
    newest = max(down_track.track.extended(down_track, seq) for seq in numbers)
    if down_track.flowing and newest > down_track.reports.newest_missed:
        down_track.reports.newest_missed, down_track.reports.progressed_at = newest, now
    retransmission.answer_nack(down_track, numbers, now)


def _handle_transport_wide(peer: Peer, body: bytes, now: float) -> None:
    """Note which packets have come: one of a stream proves that the subscriber still receives that stream."""
    path, take = peer.path, peer.rtcp_budget.take_entries
    peer.reported_at = now
    feedback = twcc.parse(body, lambda base, count: path.expects(base, count) and take(count))
    if feedback is None:
        return
    arrived, lost = path.received(feedback)
    for down_track in peer.down_tracks:
        if down_track.track.ssrc_out in arrived:
            down_track.reports.progressed_at = now
    if lost:
        for down_track in peer.down_tracks:
            down_track.reports.missed_at = now
        retransmission.retransmit_lost(path, peer.down_tracks, lost, now)


def _handle_sender_report(peer: Peer, tap: Tap, packet: rtcp.RtcpPacket, now: float, arrival_ns: int) -> None:
    report = rtcp.sender_report(packet)
    track = peer.streams.get(report.ssrc) if report else None
    stats = track.receive_stats if track is not None else None
    if report is None or track is None or stats is None or stats.ssrc != report.ssrc:
        return
    if not peer.rtcp_budget.take_sender_report():
        return
    ntp = report.ntp >> 16 & 0xFFFFFFFF
    stats.last_sr, stats.last_sr_at = ntp, now
    if track.tap is not None:
        tap.put(track.tap, track.number, SENDER_REPORT, arrival_ns, rtcp.build_sender_report(report))
    for down_track in track.down_tracks:
        if down_track.flowing:
            down_track.reports.sender_report_sent(ntp, now)
            own = rtcp.build_sender_report(track.sender_report_for(down_track, report))
            down_track.client.send_rtcp(own + rtcp.build_sdes(down_track.ssrc, track.cname))


def _handle_keyframe_request(peer: Peer, ssrc: int | None, now: float) -> None:
    down_track = _down_track_of(peer, ssrc)
    if down_track is not None and down_track.flowing:
        down_track.keyframe.pending = True
        down_track.reports.keyframe_asked(now)


def send_requests(track: Track, now: float) -> None:
    """Ask a track's publisher for lost packets and for a keyframe, when due.

    A keyframe request of the far room is passed on at once, one of a supervisor as often as it may cost the others."""
    if track.inspecting:
        retransmission.send_withheld(track, now)
    if track.repaired:
        retransmission.repeat_repaired(track, now)
    for down_track in track.down_tracks:
        if down_track.keyframe.take(now, unlimited=down_track.gated):
            track.request_keyframe()
    publisher, stats = track.publisher, track.receive_stats
    if publisher is None or not publisher.ready:
        return
    due = track.repairs_due(now)
    if due and stats is not None and (track.params.nack or (track.params.nack_untold and stats.heeded)):
        publisher.send_rtcp(rtcp.build_opening([]) + rtcp.build_nack(stats.ssrc, due))
    if track.video and stats is not None and track.keyframes.due(now):
        publisher.send_rtcp(rtcp.build_opening([]) + rtcp.build_pli(stats.ssrc))


def send_receiver_reports(tracks: Sequence[Track], now: float) -> None:
    """Report to one publisher how its streams, the `tracks`, arrive."""
    live = [track.receive_stats for track in tracks if track.receive_stats is not None]
    publisher = next((track.publisher for track in tracks if track.publisher is not None), None)
    if live and publisher is not None:
        publisher.send_rtcp(rtcp.build_opening([stats.report(now) for stats in live]))


def send_rate_limit(tracks: Sequence[Track], rate: int) -> None:
    """Limit one publisher, whose streams are the `tracks`, to `rate` bit/s (REMB)."""
    pictures = [track for track in tracks if track.video and track.publisher is not None]
    ssrcs = [track.receive_stats.ssrc for track in pictures if track.receive_stats is not None]
    publisher = next((track.publisher for track in pictures if track.receive_stats is not None), None)
    if publisher is not None:
        publisher.send_rtcp(rtcp.build_opening([]) + rtcp.build_remb(rate, ssrcs))
