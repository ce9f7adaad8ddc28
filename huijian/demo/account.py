"""The account of one visit: what crossed, what was recorded, how punctual gate and cut were, and what was not right.

Everything comes from the journal's entries, the receivers' counts and the verifier; the invariants of the design are
checked here against these, in the same order."""

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

CUT_LATE = 0.25  # seconds, the promise for the cut at the limit
LENGTH = 0.5  # seconds by which a track may differ from what crossed
NOTHING = "-"  # where a path or a hash would stand
SETTLE = 0.25  # seconds in which packets that were under way at the cut may still arrive


@dataclass(slots=True)
class Account:
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


def account_of(
    entries: Iterable[Entry],
    kiosks: Mapping[Side, dict[str, Any]],
    receivers: Iterable[ReceiverStats],
    report: Report,
    archive_dir: Path,
    policy: Policy,
) -> Account:
    """Put the account together from what was written down and counted."""
    account = Account()
    told: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        told.setdefault(entry.kind, []).append(json.loads(entry.data))
    account.joined_to_picture = [one.first_picture_after for one in receivers if one.first_picture_after is not None]
    _archive(account, told, archive_dir, report)
    if "Crossed" not in told or "GateShut" not in told:
        account.problems.append("nothing ever crossed")
        return account
    opened, crossed, shut = told["GateOpened"][0]["mono"], told["Crossed"][0]["mono"], told["GateShut"][-1]["mono"]
    limit = policy.hard_limit.total_seconds()
    account.held = sum(
        later["mono"] - earlier["mono"]
        for earlier, later in zip(told["GateShut"], told["GateOpened"][1:], strict=False)
    )
    account.holds = len(told["GateOpened"]) - 1
    account.forwarded = shut - crossed - account.held
    account.cut_late = shut - (crossed + limit)
    account.reason = next((one["reason"] for one in told["StateChanged"] if one["to"] == "ended"), "")
    lease = told["LeaseGate"][0]
    account.opened_after = opened - (lease["until"] - 3.0)
    account.first_crossing_after = crossed - opened
    _counts(account, told)
    for side, stats in kiosks.items():
        _kiosk(account, side, stats, opened, shut)
    _check(account, limit)
    return account


def _archive(account: Account, told: dict[str, list[dict[str, Any]]], archive_dir: Path, report: Report) -> None:
    if "Archived" not in told:
        account.problems.append("the recording was not archived")
        return
    archived = told["Archived"][-1]
    account.path, account.sha256 = str(archive_dir / archived["path"]), archived["sha256"]
    account.recorded = archived["seconds"]
    if not report.ok:
        account.problems.append("the verifier found damage: " + ", ".join(one.kind for one in report.damages))


def _counts(account: Account, told: dict[str, list[dict[str, Any]]]) -> None:
    for sides in told.get("MediaCounted", [])[-1:]:
        tracks = [track for kinds in sides.values() for track in kinds.values()]
        account.packets_in = sum(track["packets"] for track in tracks)
        account.packets_over = sum(track["crossed"] for track in tracks)


def _kiosk(account: Account, side: Side, stats: dict[str, Any], opened: float, shut: float) -> None:
    """A room's own count of the far side, against the moments at which the gate moved."""
    far = stats.get("far", {})
    kinds = [far.get("video", {}), far.get("audio", {})]
    account.received[side] = sum(kind.get("packets", 0) for kind in kinds)
    account.lost[side] = sum(kind.get("lost", 0) for kind in kinds)
    first = far.get("video", {}).get("first_frame_at")
    account.first_picture[side] = first - opened if first is not None else None
    for kind in kinds:
        if kind.get("first_packet_at") and kind["first_packet_at"] < opened:
            account.problems.append(f"the {side} room received media before the gate was open")
        if kind.get("last_packet_at") and kind["last_packet_at"] > shut + SETTLE:
            account.problems.append(f"the {side} room received media after the gate was shut")


def _check(account: Account, limit: float) -> None:
    if account.reason != "time_limit":
        account.problems.append(f"the visit did not end by its limit but by {account.reason or 'nothing'}")
    if account.cut_late is None or account.cut_late > CUT_LATE:
        account.problems.append(f"the cut was not at the limit of {limit:g} s but {account.cut_late} s late")
    for title, seconds in zip(TRACK_TITLES, account.recorded, strict=False):
        if abs(seconds - limit) > LENGTH:  # holds are recorded too, and do not stretch the limit
            account.problems.append(f"{title}: {seconds:.2f} s recorded of a visit of {limit:g} s")
    if not account.recorded:
        account.problems.append("no track was recorded")
    if not all(account.received.values()):
        account.problems.append("a room received nothing")


def table(account: Account) -> Table:
    """The account as people read it."""
    out = Table(title="会见结果 / what came of it", title_justify="left", show_header=False)
    out.add_column(style="dim")
    out.add_column(justify="right")
    recorded = " / ".join(f"{seconds:.2f}" for seconds in account.recorded) or "-"
    out.add_row("放行时长 crossed, s", f"{account.forwarded:.2f}")
    if account.held:
        out.add_row("其间中止 on hold meanwhile, times / s", f"[yellow]{account.holds} / {account.held:.2f}[/yellow]")
    out.add_row("五轨录制 recorded, s", recorded)
    out.add_row("开闸延迟 gate after order, ms", _ms(account.opened_after))
    out.add_row("开闸到双向通过 gate to both ways, ms", _ms(account.first_crossing_after))
    out.add_row("截止误差 cut after limit, ms", _ms(account.cut_late))
    out.add_row("收到数据包 packets in", str(account.packets_in))
    out.add_row("过闸数据包 packets over gate", str(account.packets_over))
    for side, name in ((Side.PRISON, "监狱 prison"), (Side.VISITOR, "司法局 bureau")):
        received, lost = account.received.get(side, 0), account.lost.get(side, 0)
        out.add_row(f"{name}: 收到/丢失 got/lost", f"{received} / {lost}")
        out.add_row(f"{name}: 开闸到首帧 gate to picture, ms", _ms(account.first_picture.get(side)))
    if account.joined_to_picture:
        out.add_row("管理员到首帧 join to picture, ms", _ms(max(account.joined_to_picture)))
    return out


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"
