"""Report of one visit: what crossed, what was recorded, how punctual gate and cut were, and which invariants were
broken.

All of it comes from the journal's entries, the receivers' counts and the verifier, not from what was intended."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from broker.control.journal.entry import Entry
from broker.kernel.ids import Side
from broker.media.tap_format import TRACK_TITLES
from config.policy import Policy
from kiosk_agent.webrtc.receiver import ReceiverStats
from recorder.evidence.report import Report

CUT_LATE = 0.25  # seconds by which the cut may come after the limit
LENGTH = 0.5  # seconds by which a track may differ from what crossed
NOTHING = "-"  # in the place of a path or hash that does not exist
SETTLE = 0.25  # seconds in which packets that were under way at the cut may still arrive


Journal = dict[str, list[dict[str, Any]]]
"""Data of a visit's journal entries by their kind, in order."""


@dataclass(slots=True)
class VisitReport:
    """Seconds and counts of one visit; `problems` are sentences, empty when all invariants held."""

    path: str = NOTHING
    sha256: str = NOTHING
    holds: int = 0
    forwarded: float = 0.0
    held: float = 0.0
    recorded: list[float] = field(default_factory=list)
    opened_after: float | None = None
    first_crossing_after: float | None = None
    cut_late: float | None = None
    packets_in: int = 0
    packets_over: int = 0
    received: dict[Side, int] = field(default_factory=dict)
    lost: dict[Side, int] = field(default_factory=dict)
    first_picture: dict[Side, float | None] = field(default_factory=dict)
    joined_to_picture: list[float] = field(default_factory=list)
    reason: str = ""
    problems: list[str] = field(default_factory=list)


def report_visit(
    entries: Iterable[Entry],
    kiosks: Mapping[Side, dict[str, Any]],
    receivers: Iterable[ReceiverStats],
    verified: Report,
    archive_dir: Path,
    policy: Policy,
) -> VisitReport:
    """Return the report of a visit from its journal, the counts of kiosks and officers, and the verifier's report."""
    report = VisitReport()
    journal: Journal = {}
    for entry in entries:
        journal.setdefault(entry.kind, []).append(json.loads(entry.data))
    report.joined_to_picture = [each.first_picture_after for each in receivers if each.first_picture_after is not None]
    _report_archive(report, journal, archive_dir, verified)
    if "Crossed" not in journal or "GateShut" not in journal:
        report.problems.append("nothing ever crossed")
        return report
    limit = policy.hard_limit.total_seconds()
    opened, shut = _report_gate(report, journal, limit)
    _report_packets(report, journal)
    for side, stats in kiosks.items():
        _report_kiosk(report, side, stats, opened, shut)
    _check(report, limit)
    return report


def _report_gate(report: VisitReport, journal: Journal, limit: float) -> tuple[float, float]:
    """Fill in when the gate moved; return when it first opened and when it was finally shut."""
    openings, shuts = journal["GateOpened"], journal["GateShut"]
    opened, crossed, shut = openings[0]["mono"], journal["Crossed"][0]["mono"], shuts[-1]["mono"]
    report.held = sum(later["mono"] - earlier["mono"] for earlier, later in zip(shuts, openings[1:], strict=False))
    report.holds = len(openings) - 1
    report.forwarded = shut - crossed - report.held
    report.cut_late = shut - (crossed + limit)
    report.reason = next((change["reason"] for change in journal["StateChanged"] if change["to"] == "ended"), "")
    report.opened_after = opened - (journal["LeaseGate"][0]["until"] - 3.0)
    report.first_crossing_after = crossed - opened
    return opened, shut


def _report_archive(report: VisitReport, journal: Journal, archive_dir: Path, verified: Report) -> None:
    if "Archived" not in journal:
        report.problems.append("the recording was not archived")
        return
    archived = journal["Archived"][-1]
    report.path, report.sha256 = str(archive_dir / archived["path"]), archived["sha256"]
    report.recorded = archived["seconds"]
    if not verified.ok:
        found = ", ".join(damage.kind for damage in verified.damages)
        report.problems.append(f"the verifier found damage: {found}")


def _report_packets(report: VisitReport, journal: Journal) -> None:
    for sides in journal.get("MediaCounted", [])[-1:]:
        tracks = [track for kinds in sides.values() for track in kinds.values()]
        report.packets_in = sum(track["packets"] for track in tracks)
        report.packets_over = sum(track["crossed"] for track in tracks)


def _report_kiosk(report: VisitReport, side: Side, stats: dict[str, Any], opened: float, shut: float) -> None:
    """Check a room's own counts of the far side against the moments at which the gate moved."""
    far = stats.get("far", {})
    kinds = [far.get("video", {}), far.get("audio", {})]
    report.received[side] = sum(kind.get("packets", 0) for kind in kinds)
    report.lost[side] = sum(kind.get("lost", 0) for kind in kinds)
    first = far.get("video", {}).get("first_frame_at")
    report.first_picture[side] = first - opened if first is not None else None
    for kind in kinds:
        if kind.get("first_packet_at") and kind["first_packet_at"] < opened:
            report.problems.append(f"the {side} room received media before the gate was open")
        if kind.get("last_packet_at") and kind["last_packet_at"] > shut + SETTLE:
            report.problems.append(f"the {side} room received media after the gate was shut")


def _check(report: VisitReport, limit: float) -> None:
    if report.reason != "time_limit":
        report.problems.append(f"the visit did not end by its limit but by {report.reason or 'nothing'}")
    if report.cut_late is None or report.cut_late > CUT_LATE:
        report.problems.append(f"the cut was not at the limit of {limit:g} s but {report.cut_late} s late")
    for title, seconds in zip(TRACK_TITLES, report.recorded, strict=False):
        if abs(seconds - limit) > LENGTH:  # holds are recorded too, and do not stretch the limit
            report.problems.append(f"{title}: {seconds:.2f} s recorded of a visit of {limit:g} s")
    if not report.recorded:
        report.problems.append("no track was recorded")
    if not all(report.received.values()):
        report.problems.append("a room received nothing")


def table(report: VisitReport) -> Table:
    """Return the report as a table for people."""
    out = Table(title="会见结果 / what came of it", title_justify="left", show_header=False)
    out.add_column(style="dim")
    out.add_column(justify="right")
    recorded = " / ".join(f"{seconds:.2f}" for seconds in report.recorded) or "-"
    out.add_row("放行时长 crossed, s", f"{report.forwarded:.2f}")
    if report.held:
        out.add_row("其间中止 on hold meanwhile, times / s", f"[yellow]{report.holds} / {report.held:.2f}[/yellow]")
    out.add_row("五轨录制 recorded, s", recorded)
    out.add_row("开闸延迟 gate after order, ms", _ms(report.opened_after))
    out.add_row("开闸到首个数据包 gate to first packet, ms", _ms(report.first_crossing_after))
    out.add_row("截止误差 cut after limit, ms", _ms(report.cut_late))
    out.add_row("收到数据包 packets in", str(report.packets_in))
    out.add_row("过闸数据包 packets over gate", str(report.packets_over))
    for side, name in ((Side.PRISON, "监狱 prison"), (Side.VISITOR, "司法局 bureau")):
        received, lost = report.received.get(side, 0), report.lost.get(side, 0)
        out.add_row(f"{name}: 收到/丢失 got/lost", f"{received} / {lost}")
        out.add_row(f"{name}: 开闸到首帧 gate to picture, ms", _ms(report.first_picture.get(side)))
    if report.joined_to_picture:
        out.add_row("管理员到首帧 join to picture, ms", _ms(max(report.joined_to_picture)))
    return out


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"
