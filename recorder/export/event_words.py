"""The words of a timeline's events, in Chinese and English, for the pages of a package. An unknown event has its own
name: a page must never fail, or leave a line out, because a text is missing. What was written by people or by other
programs has the code points of what cannot be seen in place of it. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from broker.kernel.clock import in_shanghai
from config.words import shown
from recorder.explained.words import Words, absence_words
from recorder.export.contents import moment
from recorder.export.event_details import details_of


class Row(NamedTuple):
    """One line of a readable timeline. `at`: the time of the day in Shanghai, "" where an event has none; `second`: of
    the film, None where it has none."""

    at: str
    second: float | None
    words: Words
    detail: Words


SIDES = {"prison": Words("监所一方", "prison side"), "visitor": Words("会见人一方", "visitors' side")}
STATES = {
    "scheduled": Words("待办理", "scheduled"),
    "check_in": Words("办理入场", "check-in"),
    "ready": Words("准备就绪", "ready"),
    "live": Words("会见中", "live"),
    "held": Words("已中止", "on hold"),
    "ended": Words("已结束", "ended"),
}
ACTIONS = {
    "HoldOrdered": Words("管理员中止会见", "An officer holds the visit"),
    "ResumeOrdered": Words("管理员恢复会见", "An officer lets the visit go on"),
    "EndOrdered": Words("管理员终止会见", "An officer ends the visit"),
    "RoomFinished": Words("会见室表示结束", "A room has finished"),
    "FarewellWithdrawn": Words("会见室撤回结束", "A room goes on after all"),
    "WarningGiven": Words("管理员劝阻", "An officer warns"),
    "WarningAcknowledged": Words("会见室确认劝阻", "A room acknowledges the warning"),
    "MuteOrdered": Words("管理员静音或恢复声音", "An officer mutes or unmutes"),
    "NoteMade": Words("管理员备注", "An officer's note"),
    "ExtensionApproved": Words("批准延长会见", "A longer visit is approved"),
    "ExtensionRequested": Words("管理员申请延长会见", "An officer asks for a longer visit"),
    "ExtensionDeclined": Words("不予延长会见", "A longer visit is not approved"),
    "SpeechBegan": Words("管理员开始插话", "An officer begins to speak"),
    "SpeechEnded": Words("管理员结束插话", "An officer stops speaking"),
    "TerminalChanged": Words("更换终端", "A terminal is replaced"),
    "AttentionAsked": Words("在岗确认：提问", "Attention check: asked"),
    "AttentionAnswered": Words("在岗确认：已应答", "Attention check: answered"),
    "AttentionMissed": Words("在岗确认：未应答", "Attention check: missed"),
    "AlertRaised": Words("提醒出现", "Alert raised"),
    "AlertTaken": Words("提醒由管理员受理", "Alert taken by an officer"),
    "AlertFinished": Words("提醒处理完毕", "Alert finished by an officer"),
    "AlertOver": Words("提醒解除", "Alert is over"),
}
KINDS = {
    "observers": Words("检察人员开始或停止观看", "A procurator begins or stops looking on"),
    "people": Words("在场人员变化", "People present"),
    "rules_acknowledged": Words("会见室确认须知", "A room acknowledges the rules"),
    "publisher": Words("终端开始发送音视频", "A terminal begins to send picture and sound"),
    "part": Words("录像分段", "A part of the recording begins"),
    "gap": Words("缺口", "Gap"),
    "limit": Words("会见时限", "Time limit of the visit"),
    "lagging": Words("录制滞后", "The recorder lags"),
    "pictures": Words("转发过载或恢复", "The relay is overloaded, or no longer"),
    "control": Words("控制进程中断或恢复", "The control process is lost or back"),
    "closed": Words("录像结束", "The recording ends"),
    "clock_stepped": Words("系统时间跳变", "The clock was stepped"),
    "part_changed": Words("分段曾被改动", "A part was changed"),
    "part_unreadable": Words("分段无法读取", "A part cannot be read"),
    "unreadable": Words("此行无法读取", "A line that cannot be read"),
}
TRACKS = (
    Words("监所画面", "prison picture"),
    Words("监所声音", "prison sound"),
    Words("会见人画面", "visitors' picture"),
    Words("会见人声音", "visitors' sound"),
    Words("管理员插话", "officers' voice"),
)


def rows(timeline: Iterable[Mapping[str, Any]], zero: datetime | None) -> list[Row]:
    """Return the lines of a timeline in words, in the order of the film. `zero`: when the film begins."""
    found = [_row(entry, zero) for entry in timeline]
    return sorted(found, key=lambda row: (row.second is None, row.second or 0.0))


def to_json(row: Row) -> dict[str, Any]:
    """Return a line as a value for JSON."""
    words = {"zh": row.words.zh, "en": row.words.en, "detail_zh": row.detail.zh, "detail_en": row.detail.en}
    return {"at": row.at, "second": row.second, **words}


def _row(entry: Mapping[str, Any], zero: datetime | None) -> Row:
    event = entry.get("event")
    event = event if isinstance(event, Mapping) else {}
    at = moment(entry.get("at"))
    second = _second(event, at, zero)
    if at is None and second is not None and zero is not None:
        at = zero + timedelta(seconds=second)
    return Row(f"{in_shanghai(at):%H:%M:%S}" if at else "", second, words_of(event), details_of(event))


def _second(event: Mapping[str, Any], at: datetime | None, zero: datetime | None) -> float | None:
    start = event.get("start")
    if event.get("kind") == "gap" and isinstance(start, int | float):
        return round(float(start), 3)
    return round((at - zero).total_seconds(), 3) if at is not None and zero is not None else None


def words_of(event: Mapping[str, Any]) -> Words:
    """Return what an event is, in words."""
    kind, what = shown(str(event.get("kind", "unreadable"))), shown(str(event.get("what", "")))
    match kind:
        case "state":
            to = shown(str(event.get("to")))
            state = STATES.get(to, Words(to, to))
            return Words(f"状态：{state.zh}", f"State: {state.en}")
        case "gate" | "floor":
            name = Words("闸门", "Gate") if kind == "gate" else Words("插话", "Talkback")
            shut = Words("打开", "opens") if event.get("open") else Words("关闭", "shuts")
            return Words(name.zh + shut.zh, f"{name.en} {shut.en}")
        case "people" if event.get("left"):
            return _people_left(event["left"])
        case "gap":
            track = event.get("track")
            whose = TRACKS[track] if isinstance(track, int) and 0 <= track < len(TRACKS) else Words("", "")
            return Words(f"{whose.zh}缺口", f"Gap in the {whose.en or 'recording'}")
    return ACTIONS.get(what) or KINDS.get(kind) or Words(what or kind, what or kind)


def _people_left(left: Any) -> Words:
    """Return the words of a change by which officers ceased to be present: why, in the words of the explanations."""
    codes = [str(code) for item in _listed(left) if isinstance(item, Mapping) for code in _listed(item.get("why"))]
    why = absence_words([shown(code) for code in dict.fromkeys(codes)])
    return Words(f"管理员不再计入在岗：{why.zh}", f"An officer is no longer present: {why.en}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
