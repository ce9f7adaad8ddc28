"""The details of a timeline's events in words, in Chinese and English: what each member is called, sides, articles and
codes as officers say them. Accounts, sites and people are named by their ids, as everywhere in a recording. An unknown
member keeps its own name: nothing of an event is left out because a text is missing. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from broker.kernel.clock import in_shanghai
from config.words import shown
from recorder.explained.words import HOLDS, SIDES, Words, absence_words, article_words
from recorder.export.contents import moment

MEMBERS = {
    "added": Words("延长", "longer by"),
    "alert": Words("提醒编号", "alert"),
    "article": Words("依据", "ground"),
    "at": Words("时刻", "moment"),
    "by": Words("操作人", "by"),
    "cause": Words("原因", "cause"),
    "checked_in": Words("已入场人员编号", "people checked in"),
    "detail": Words("说明", "detail"),
    "end": Words("缺口止于第几秒", "gap ends at second"),
    "former": Words("原终端", "former terminal"),
    "id": Words("编号", "id"),
    "language": Words("语言", "language"),
    "left": Words("不再计入在岗", "no longer present"),
    "manner": Words("方式", "manner"),
    "note": Words("备注", "note"),
    "of": Words("事项", "about"),
    "on": Words("静音", "muted"),
    "prompt": Words("确认编号", "check"),
    "reason": Words("理由", "reason"),
    "role": Words("岗位", "role"),
    "seconds": Words("秒数", "seconds"),
    "session": Words("会见编号", "visit"),
    "shown": Words("会见室所示文字", "text shown in the rooms"),
    "side": Words("一方", "side"),
    "sides": Words("对象", "sides"),
    "since": Words("自", "since"),
    "site": Words("单位", "site"),
    "terminal": Words("终端", "terminal"),
    "text": Words("内容", "text"),
    "text_en": Words("英文内容", "text in English"),
    "text_zh": Words("内容", "text in Chinese"),
    "thinned": Words("转发过载", "overloaded"),
    "user": Words("管理员", "officer"),
    "watchers": Words("在岗管理员", "officers present"),
    "why": Words("原因", "why"),
    "zh": Words("中文", "in Chinese"),
    "en": Words("英文", "in English"),
}
ROLES = {
    "supervisor": Words("管理员", "supervisor"),
    "approver": Words("审批人", "approver"),
}
MANNERS = {
    "touch": Words("触摸确认", "by touch"),
    "key": Words("按键确认", "by a key"),
    "unattended": Words("终端自动确认", "by the terminal itself"),
}
ENDINGS = {
    "time_limit": Words("会见时间已到", "the time limit was reached"),
    "slot_end": Words("预约时段已结束", "the slot was over"),
    "completed": Words("会见正常结束", "the visit was complete"),
    "ended_by_supervisor": Words("管理员终止会见", "ended by an officer"),
    "no_show": Words("有一方未按时到场", "a side had not arrived in time"),
    "refused": Words("不予会见", "the visit was refused"),
    "technical": Words("技术故障", "a technical fault"),
    "cancelled": Words("会见取消", "the visit was cancelled"),
}
"""The reasons for which a visit ended."""
CAUSES = {
    "not_brought": Words("监所一方未到场", "the prison's side had not arrived"),
    "desk_missed": Words("办理入场期间系统未运行", "the system did not run while check-in was open"),
    "power_lost": Words("会见期间系统断电重启", "the machine was restarted during the visit"),
    "internal_error": Words("系统故障", "an internal fault"),
}
"""What caused an ending, beside the reasons of holds."""
ALERTS = {
    "quorum_at_risk": Words("在岗管理员人数", "number of officers present"),
    "room_lost": Words("会见室线路", "line of a room"),
    "recorder": Words("录制", "recording"),
    "clock": Words("本机时钟", "clock of the machine"),
    "eligibility": Words("会见资格", "who may meet"),
    "drill": Words("当日演练", "drill of the day"),
    "black": Words("画面全黑", "black picture"),
    "frozen": Words("画面静止", "frozen picture"),
    "silent": Words("长时间没有声音", "long silence"),
    "heads": Words("画面中人数", "people in the picture"),
    "one_minute": Words("还剩一分钟", "one minute left"),
    "five_minutes": Words("还剩五分钟", "five minutes left"),
}
"""What an alert is about, by its kind."""
LEFT_OUT = frozenset({"kind", "what", "to", "from", "open", "track", "start", "observers"})
"""Members that the words of the event have already, and the accounts of procurators, who are not named to others."""


def details_of(event: Mapping[str, Any]) -> Words:
    """Return the other members of an event in words: who, where, on which ground, what was written."""
    found = [
        (MEMBERS.get(name, Words(name, name)), _value(name, value))
        for name, value in event.items()
        if name not in LEFT_OUT and value not in (None, "", [], {})
    ]
    zh = "；".join(f"{member.zh}：{value.zh}" for member, value in found)
    return Words(shown(zh), shown("; ".join(f"{member.en}: {value.en}" for member, value in found)))


def _value(name: str, value: Any) -> Words:
    if isinstance(value, bool):
        return Words("是", "yes") if value else Words("否", "no")
    if isinstance(value, list):
        values = [_value(name, item) for item in value]
        return Words("、".join(value.zh for value in values), ", ".join(value.en for value in values))
    if isinstance(value, Mapping):
        return _record(value)
    return SPELLED.get(name, _plain)(str(value))


def _record(value: Mapping[str, Any]) -> Words:
    """Return an officer as account and site, with the reasons where there are some; another record by its members."""
    if {"user", "site"} <= value.keys():
        why = value.get("why")
        zh, en = f"{value['user']}（{value['site']}）", f"{value['user']} ({value['site']})"
        more = absence_words(why) if why else None
        return Words(f"{zh}{more.zh}", f"{en}: {more.en}") if more else Words(zh, en)
    return details_of(value)


def _plain(text: str) -> Words:
    return Words(text, text)


def _in(*tables: Mapping[str, Words]) -> Callable[[str], Words]:
    """Return what spells a code by the first of these tables that has it, and any other as it is."""
    return lambda code: next((table[code] for table in tables if code in table), _plain(code))


def _article(code: str) -> Words:
    return article_words(code) or _plain(code)


def _time(text: str) -> Words:
    at = moment(text)
    return _plain(f"{in_shanghai(at):%Y-%m-%d %H:%M:%S}" if at else text)


def _minutes(seconds: str) -> Words:
    try:
        minutes = float(seconds) / 60
    except ValueError:
        return _plain(seconds)
    return Words(f"{minutes:g} 分钟", f"{minutes:g} min")


SPELLED: Mapping[str, Callable[[str], Words]] = {
    "added": _minutes,
    "article": _article,
    "cause": _in(CAUSES, HOLDS),
    "manner": _in(MANNERS),
    "of": _in(ALERTS),
    "reason": _in(ENDINGS, HOLDS),
    "role": _in(ROLES),
    "side": _in(SIDES),
    "sides": _in(SIDES),
    "since": _time,
    "why": _in(HOLDS),
}
"""How the values of some members are spelled; any other value stands as it is."""
