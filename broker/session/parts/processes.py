"""What the other processes report for one session: relay worker, recorder and store.

Only `recorded` outlives a restart: the others report again when they connect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from broker.kernel.ids import Side
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table


class Recorder(StrEnum):
    """State of the recorder as the session knows it."""

    ABSENT = "absent"
    IDLE = "idle"
    STARTING = "starting"
    WRITING = "writing"

    @property
    def writes(self) -> bool:
        """Whether what happens now is on disk."""
        return self is Recorder.WRITING


@dataclass(frozen=True, slots=True)
class Processes:
    """Last report of each process.

    `storage`: the journal can be written. `relay`: a worker has admitted the session. `media`: the sides whose picture
    and sound reach the relay. `watchers`: the officers who are present. `recorded`: a recording was ever begun.
    """

    storage: bool = True
    relay: bool = False
    media: frozenset[Side] = frozenset()
    watchers: frozenset[Watcher] = frozenset()
    recorder: Recorder = Recorder.ABSENT
    recorded: bool = False

    @property
    def can_record_talkback(self) -> bool:
        """Whether the words of an officer would reach the relay and the disk."""
        return self.relay and self.recorder.writes

    def to_json(self) -> dict[str, Any]:
        """The members that outlive a restart, as JSON values."""
        return {"recorded": self.recorded}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Processes":
        """The part after a restart, before any process has reported."""
        return cls(recorded=bool(saved["recorded"]))


def _media(part: Processes, fact: ev.RoomMedia, moment: Moment) -> Processes:
    media = part.media | {fact.side} if fact.flowing else part.media - {fact.side}
    return replace(part, media=media)


def _watchers(part: Processes, fact: ev.WatchersChanged, moment: Moment) -> Processes:
    return replace(part, watchers=fact.watchers)


def _recorder_ready(part: Processes, fact: ev.RecorderReady, moment: Moment) -> Processes:
    return replace(part, recorder=Recorder.IDLE) if part.recorder is Recorder.ABSENT else part


def _recorder_flushed(part: Processes, fact: ev.RecorderFlushed, moment: Moment) -> Processes:
    return replace(part, recorder=Recorder.WRITING, recorded=True)


def _recorder_lost(part: Processes, fact: ev.RecorderLost, moment: Moment) -> Processes:
    return replace(part, recorder=Recorder.ABSENT)


def _storage(part: Processes, fact: ev.StorageChanged, moment: Moment) -> Processes:
    return replace(part, storage=fact.works)


def _relay_ready(part: Processes, fact: ev.RelayReady, moment: Moment) -> Processes:
    return replace(part, relay=True)


def _relay_lost(part: Processes, fact: ev.RelayLost, moment: Moment) -> Processes:
    """Forget the publishers and watchers too: they are unknown until the next worker reports them."""
    return replace(part, relay=False, media=frozenset(), watchers=frozenset())


FACTS: Table = {
    ev.RoomMedia: _media,
    ev.WatchersChanged: _watchers,
    ev.RecorderReady: _recorder_ready,
    ev.RecorderFlushed: _recorder_flushed,
    ev.RecorderLost: _recorder_lost,
    ev.StorageChanged: _storage,
    ev.RelayReady: _relay_ready,
    ev.RelayLost: _relay_lost,
}
