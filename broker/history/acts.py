"""What the journal says of one visit, for the history: when media first crossed, how it ended, what officers did, which
alerts called them, who was present and who watched the recording later. Pure."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from broker.history.visit import Acts, Ending, Intervention
from broker.session import events as ev

INTERVENTIONS = {
    ev.WarningGiven.__name__: "warning",
    ev.MuteOrdered.__name__: "mute",
    ev.HoldOrdered.__name__: "hold",
    ev.EndOrdered.__name__: "end",
    ev.SpeechBegan.__name__: "talkback",
    ev.NoteMade.__name__: "note",
}
"""The kinds of the journal that are interventions, with the words of the interface."""
_DUTIES = frozenset(
    kind.__name__
    for kind in (
        *(ev.PersonCheckedIn, ev.PersonAbsent, ev.Ticked, ev.SeatReady, ev.SelfTested, ev.DrillOverridden),
        *(ev.HoldOrdered, ev.ResumeOrdered, ev.EndOrdered, ev.WarningGiven, ev.MuteOrdered, ev.NoteMade),
        *(ev.SpeechBegan, ev.AlertTaken, ev.AlertFinished, ev.AttentionAnswered, ev.FarewellWithdrawn),
        ev.ExtensionRequested,
    )
)
"""The kinds of entries by which an officer was on duty at the visit."""
_CODE = re.compile(r"[a-z][a-z_]{0,39}")


class JournalEntry(Protocol):
    """An entry of the journal, as far as the history reads it. `data` is JSON."""

    @property
    def at(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def author(self) -> str: ...

    @property
    def data(self) -> str: ...


@dataclass
class _Found:
    """What the entries that were read so far have shown."""

    acts: Acts = field(default_factory=Acts)
    interventions: Counter[tuple[str, str]] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    present: set[str] = field(default_factory=set)
    acted: set[str] = field(default_factory=set)
    viewers: set[str] = field(default_factory=set)


def acts_in(entries: Iterable[JournalEntry]) -> Acts:
    """Return what the entries of one session say, in the order in which they were written."""
    found, read = _Found(), list(entries)
    for entry in read:
        _take(found, entry)
    interventions = (Intervention(kind, article, n) for (kind, article), n in sorted(found.interventions.items()))
    return replace(
        found.acts,
        interventions=tuple(interventions),
        alerts=dict(sorted(found.alerts.items())),
        present=frozenset(found.present),
        acted=frozenset(found.acted),
        viewers=frozenset(found.viewers),
        entries=len(read),
    )


def _take(found: _Found, entry: JournalEntry) -> None:
    kind, _, user = entry.author.partition(":")
    if kind == "user" and entry.kind in _DUTIES:
        found.acted.add(user)
    if entry.kind == "RecordingPlayed" and kind == "user":
        found.viewers.add(user)
    take = _TAKES.get(entry.kind)
    if take is not None:
        take(found, entry, json.loads(entry.data))


def _intervention(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    if entry.kind == ev.MuteOrdered.__name__ and not data.get("on", True):
        return
    found.interventions[INTERVENTIONS[entry.kind], str(data.get("article") or "")] += 1


def _alert(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    found.alerts[str(data.get("kind"))] += 1


def _watchers(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    found.present.update(str(watcher.get("user")) for watcher in data.get("watchers") or ())


def _crossed(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    if found.acts.began_at is None:
        found.acts = replace(found.acts, began_at=datetime.fromisoformat(entry.at))


def _state(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    if data.get("to") == "ended":
        at, code = datetime.fromisoformat(entry.at), str(data.get("reason") or "")
        cause = code_or_nothing(str(data.get("cause") or ""))
        found.acts = replace(found.acts, ending=Ending(code, at, "", str(data.get("article") or ""), cause))


def _pack(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    found.acts = replace(found.acts, pack=str(data.get("sha256") or ""))


def _extended(found: _Found, entry: JournalEntry, data: Mapping[str, Any]) -> None:
    found.acts = replace(found.acts, extended=found.acts.extended + float(data.get("added") or 0.0))


_TAKES: Mapping[str, Callable[[_Found, JournalEntry, Mapping[str, Any]], None]] = {
    **dict.fromkeys(INTERVENTIONS, _intervention),
    "AlertRaised": _alert,
    ev.WatchersChanged.__name__: _watchers,
    ev.Crossed.__name__: _crossed,
    "StateChanged": _state,
    "PackFrozen": _pack,
    ev.ExtensionApproved.__name__: _extended,
}


def code_or_nothing(cause: str) -> str:
    """Return a cause that is a code of the system, and nothing for the words of an officer, which may name people."""
    return cause if _CODE.fullmatch(cause) else ""


def without_words(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of an ended session, its snapshot, without what officers wrote in words of their own: notes,
    texts of warnings, reasons and causes. Codes, articles, times and authors stay."""
    acts = saved.get("acts") or {}
    blank = {
        "hold": _blank(saved.get("hold"), "note"),
        "farewell": {side: _blank(word, "note") for side, word in (saved.get("farewell") or {}).items()},
        "end": {**end, "cause": code_or_nothing(end["cause"])} if (end := saved.get("end")) else None,
        "extensions": [_blank(one, "reason") for one in saved.get("extensions") or ()],
        "requests": [_blank(one, "reason", "note") for one in saved.get("requests") or ()],
        "drill": _blank(saved.get("drill"), "reason"),
        "acts": {
            **acts,
            "warnings": [_blank(one, "zh", "en") for one in acts.get("warnings") or ()],
            "notes": [[by, site, "", *rest] for by, site, _text, *rest in acts.get("notes") or ()],
        },
    }
    return {**saved, **{name: value for name, value in blank.items() if name in saved}}


def _blank(part: Mapping[str, Any] | None, *words: str) -> dict[str, Any] | None:
    return None if part is None else {**part, **{name: "" for name in words if name in part}}
