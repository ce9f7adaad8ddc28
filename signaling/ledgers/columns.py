"""The columns of a ledger, of the full one and of the public one: title, width, and what an entry has there. The
workbook, the pages and the JSON have the same. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from broker.kernel.clock import in_shanghai
from config.articles.citations import cited
from config.words import shown
from signaling.ledgers.entry import STATES, Entry, Totals
from signaling.views.texts import Text

Cell = str | int


class Column(NamedTuple):
    """One column of a ledger. `name`: its member in JSON; `width`: its share of a page. `cell` returns a text, or a
    number that can be added up."""

    name: str
    title: Text
    width: int
    cell: Callable[[Entry], Cell]


ACTS: Mapping[str, Text] = {
    "warning": Text("劝阻", "warning"),
    "mute": Text("静音", "mute"),
    "hold": Text("中止", "hold"),
    "end": Text("终止", "end"),
    "talkback": Text("插话", "talkback"),
    "note": Text("记录", "note"),
}
RECORDINGS: Mapping[str, str] = {
    "recording": "录制中",
    "finalizing": "归档中",
    "archived": "已归档",
    "failed": "归档失败",
    "purging": "销毁中",
    "purged": "已到期销毁",
}


def _day(entry: Entry) -> str:
    return f"{in_shanghai(entry.starts_at):%Y-%m-%d}"


def _slot(entry: Entry) -> str:
    return f"{in_shanghai(entry.starts_at):%H:%M}–{in_shanghai(entry.ends_at):%H:%M}"


def _clock(moment: datetime | None) -> str:
    return f"{in_shanghai(moment):%H:%M:%S}" if moment is not None else ""


def _people(names: tuple[str, ...], entry: Entry) -> str:
    return "、".join(names) if entry.named else "（姓名已随录像到期删除）"


def _place(site: str, room: str) -> str:
    return f"{site} {room}".strip()


def _ending(entry: Entry) -> str:
    return f"{entry.ending or STATES[entry.state].zh}{_under(entry.article)}"


def _approval(entry: Entry) -> str:
    return f"{entry.approved_by}{_under(entry.approval_article)}"


def _acts(entry: Entry) -> str:
    acts = (
        f"{ACTS.get(kind, Text(kind, kind)).zh}{count}次{_under(code)}" for kind, code, count in entry.interventions
    )
    return "；".join(acts)


def _under(code: str) -> str:
    return f"（{cited(code).zh or code}）" if code else ""


def _remarks(entry: Entry) -> str:
    found = [f"语言 {entry.language}"] if entry.language not in ("", "zh") else []
    found += [f"翻译 {'、'.join(entry.interpreters)}"] if entry.interpreters and entry.named else []
    return "；".join(found)


_DATE = Column("date", Text("日期", "Date"), 10, _day)
_SLOT = Column("slot", Text("预约时段", "Slot"), 11, _slot)
_PRISON = Column("prison", Text("监所", "Prison"), 12, lambda entry: _place(entry.prison, entry.prison_room))
_VISITOR = Column(
    "visitor_site", Text("会见点", "Place of visitors"), 12, lambda entry: _place(entry.visitor, entry.visitor_room)
)
_INMATES = Column("inmates", Text("会见对象", "Inmate"), 8, lambda entry: _people(entry.inmates, entry))
_VISITORS = Column("visitors", Text("会见人（关系）", "Visitors"), 14, lambda entry: _people(entry.visitors, entry))
_COUNT = Column("visitor_count", Text("会见人数", "Visitors, number"), 4, lambda entry: entry.visitor_count)
_SECONDS = Column("seconds", Text("会见时长（秒）", "Length in seconds"), 5, lambda entry: _number(entry.seconds))
_STATE = Column("state", Text("状态", "State"), 8, lambda entry: STATES[entry.state].zh)


def _number(value: int | None) -> Cell:
    return "" if value is None else value


FULL: tuple[Column, ...] = (
    _DATE,
    _SLOT,
    Column("session", Text("会见编号", "Visit"), 13, lambda entry: entry.session),
    Column("external_id", Text("预约编号", "Booking number"), 10, lambda entry: entry.external_id),
    _PRISON,
    _VISITOR,
    _INMATES,
    _VISITORS,
    _COUNT,
    Column(
        "approval",
        Text("批准（依据）", "Approval"),
        10,
        _approval,
    ),
    Column("minutes", Text("批准时长（分）", "Minutes approved"), 4, lambda entry: entry.minutes),
    Column("began_at", Text("开始", "Began"), 8, lambda entry: _clock(entry.began_at)),
    Column("ended_at", Text("结束", "Ended"), 8, lambda entry: _clock(entry.ended_at)),
    _SECONDS,
    Column("extended", Text("批准延长（秒）", "Extension in seconds"), 4, lambda entry: entry.extended),
    _STATE,
    Column(
        "ending",
        Text("结束方式（依据条款）", "Ending (article)"),
        14,
        _ending,
    ),
    Column("interventions", Text("现场处置", "Interventions"), 12, _acts),
    Column("alerts", Text("提醒次数", "Alerts"), 4, lambda entry: entry.alerts),
    Column("officers", Text("本单位管理员", "Own officers"), 10, lambda entry: "、".join(entry.officers)),
    Column("other_officers", Text("对方管理员", "The other's officers"), 10, lambda entry: "、".join(entry.others)),
    Column("coverage", Text("本方在岗率（%）", "Own coverage in %"), 4, lambda entry: _number(entry.coverage)),
    Column("recording", Text("录像", "Recording"), 6, lambda entry: RECORDINGS.get(entry.recording, entry.recording)),
    Column("remarks", Text("备注", "Remarks"), 8, _remarks),
)
PUBLIC: tuple[Column, ...] = (
    _DATE,
    _SLOT,
    Column("external_id", Text("预约编号", "Booking number"), 8, lambda entry: entry.external_id),
    _PRISON,
    _VISITOR,
    _INMATES,
    _VISITORS,
    _COUNT,
    _SECONDS,
    _STATE,
    Column("officer_count", Text("在岗管理员人数", "Officers on duty"), 5, lambda entry: entry.officer_count),
)
"""What is made public: that and when a visit was, at which places, under how many officers. Why it ended, what was
corrected in it and its recording are of the people who met, and not published (Guangdong 31(5), 32)."""


def columns_of(public: bool) -> tuple[Column, ...]:
    """Return the columns of a ledger."""
    return PUBLIC if public else FULL


def cells_of(columns: tuple[Column, ...], entry: Entry) -> list[Cell]:
    """Return what an entry has in these columns; nothing in the texts is hidden or turns them around."""
    cells = (column.cell(entry) for column in columns)
    return [shown(cell) if isinstance(cell, str) else cell for cell in cells]


def total_lines(totals: Totals, public: bool) -> list[tuple[str, int]]:
    """Return the totals as lines of words and a number."""
    values: dict[str, Any] = totals.to_json(public)
    lines = [("会见合计（场）", values["visits"])]
    lines += [(f"其中：{STATES[state].zh}", values["states"][state]) for state in STATES]
    lines += [("实际会见（场）", values["met"]), ("实际会见的会见人（人次）", values["people"])]
    lines.append(("会见总时长（秒）", values["seconds"]))
    if not public:
        lines.append(("批准延长合计（秒）", values["extended"]))
        lines += [(f"现场处置：{text.zh}（次）", values["interventions"].get(kind, 0)) for kind, text in ACTS.items()]
        lines.append(("提醒（次）", values["alerts"]))
    return lines
