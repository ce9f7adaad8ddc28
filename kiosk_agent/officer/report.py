"""The content of the officer's screen, made from what the terminal knows; pure. It holds no key, token or name of a
person."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kiosk_agent.officer import words
from kiosk_agent.officer.history import KeptTest
from kiosk_agent.officer.versions import Versions
from kiosk_agent.officer.view import Figures, Group, KeptTestView, Row
from kiosk_agent.room.words import Words

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHOWN = 60
"""Tests of the history that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the terminal knows of itself: when it was started, its identity and its connections, whether it tests its
    equipment, and whether people meet in its room."""

    started: datetime
    terminal: str
    key: str
    room: str
    server: str
    online: bool
    page: bool
    testing: bool = False
    meeting: bool = False


def groups(facts: Facts, found: Versions, newest: Figures) -> tuple[Group, ...]:
    """Return the tables: versions, identity, connection, and the figures of the newest test."""
    return (
        Group(words.VERSIONS, _versions(facts, found)),
        Group(words.IDENTITY, _identity(facts)),
        Group(words.CONNECTION, _connection(facts)),
        Group(words.LINE, _figures(newest, words.ON_LINE)),
        Group(words.MACHINE, _figures(newest, (*words.OF_MACHINE, *words.OF_DEVICES))),
    )


def history(tests: tuple[KeptTest, ...]) -> tuple[KeptTestView, ...]:
    """Return the newest tests as lines of a table."""
    return tuple(KeptTestView(_moment(test.at), not test.faults, _found(test)) for test in tests[:SHOWN])


def _versions(facts: Facts, found: Versions) -> tuple[Row, ...]:
    return (
        Row(words.AGENT, plain(found.agent)),
        Row(words.BROWSER, plain(found.browser)),
        Row(words.SYSTEM, plain(found.system)),
        Row(words.STARTED, plain(_shown(facts.started))),
    )


def _identity(facts: Facts) -> tuple[Row, ...]:
    key = words.KEYS.get(facts.key, words.UNKNOWN)
    return Row(words.TERMINAL, plain(facts.terminal)), Row(words.ROOM, plain(facts.room)), Row(words.KEY, key)


def _connection(facts: Facts) -> tuple[Row, ...]:
    state = words.ONLINE if facts.online else words.OFFLINE
    page = words.ONLINE if facts.page else words.OFFLINE
    return (
        Row(words.SERVER, plain(facts.server)),
        Row(words.STATE, state, not facts.online),
        Row(words.PAGE, page, not facts.page),
    )


def _figures(figures: Figures, names: tuple[str, ...]) -> tuple[Row, ...]:
    """Return a row for each figure that was measured; a line that says so for none."""
    rows = tuple(Row(words.FIGURES[name][0], _value(name, figures[name])) for name in names if name in figures)
    return rows or (Row(words.STATE, words.NONE),)


def _value(name: str, figure: float) -> Words:
    number = f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.3g}"
    return plain(f"{number} {words.FIGURES[name][1]}".strip())


def _found(test: KeptTest) -> Words:
    parts = [words.PARTS.get(part, plain(part)) for part in test.faults]
    line = [f"{words.FIGURES[name][0].zh} {_value(name, test.figures[name]).zh}" for name in _told(test)]
    line_en = [f"{words.FIGURES[name][0].en} {_value(name, test.figures[name]).en}" for name in _told(test)]
    if not parts:
        return Words("，".join((words.PASSED.zh, *line)), ", ".join((words.PASSED.en, *line_en)))
    return Words(
        words.FAILED.zh + "、".join(part.zh for part in parts), words.FAILED.en + ", ".join(part.en for part in parts)
    )


def _told(test: KeptTest) -> tuple[str, ...]:
    return tuple(name for name in ("answer", "loss_up", "round_trip") if name in test.figures)


def _moment(at: str) -> str:
    try:
        return _shown(datetime.fromisoformat(at))
    except ValueError:
        return at


def _shown(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def plain(text: str) -> Words:
    """Return a text that is the same in both languages."""
    return Words(text, text) if text else words.UNKNOWN
