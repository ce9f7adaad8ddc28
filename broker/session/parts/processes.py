"""What the other processes report for one session: relay worker, recorder and store.

Only `recorded` and the rooms that were there outlive a restart: the others report again when they connect.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from broker.kernel.film_faults import FilmFault
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

    `storage`: the journal can be written. `relay`: a worker has admitted the session. `media`: the sides whose
    picture and sound reach the relay. `receiving`: the rooms whose connection to the far one stands. `watchers`:
    the officers who are present. `recorded`: a recording was ever begun.
    `faults`: what the recorder finds of the sides whose film could not be watched.
    `came`: the sides whose picture and sound have ever reached the relay. `stopped`: when they last ceased to, for as
    long as they do not again (aware UTC); a restart does not know when.
    """

    storage: bool = True
    relay: bool = False
    media: frozenset[Side] = frozenset()
    receiving: frozenset[Side] = frozenset()
    watchers: frozenset[Watcher] = frozenset()
    recorder: Recorder = Recorder.ABSENT
    recorded: bool = False
    faults: Mapping[Side, FilmFault] = field(default_factory=dict)
    came: frozenset[Side] = frozenset()
    stopped: Mapping[Side, datetime] = field(default_factory=dict)

    @property
    def lost(self) -> frozenset[Side]:
        """The sides whose room was there and whose line broke; another one that is not there has never come."""
        return self.came - self.media

    @property
    def unusable_films(self) -> dict[Side, FilmFault]:
        """The sides that send something of which no film can be made, and why. A room that sends nothing is lost, and
        no film is expected of it."""
        return {side: self.faults[side] for side in Side if side in self.faults and side in self.media}

    @property
    def can_record_talkback(self) -> bool:
        """Whether the words of an officer would reach the relay and the disk."""
        return self.relay and self.recorder.writes

    def to_json(self) -> dict[str, Any]:
        """The members that outlive a restart, as JSON values."""
        return {"recorded": self.recorded} | ({"came": sorted(self.came)} if self.came else {})

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Processes":
        """The part after a restart, before any process has reported."""
        return cls(recorded=bool(saved["recorded"]), came=frozenset(map(Side, saved.get("came", ()))))


def _media(part: Processes, fact: ev.RoomMedia, moment: Moment) -> Processes:
    if not fact.flowing:
        return replace(part, media=part.media - {fact.side}, stopped=_stopped(part, {fact.side}, moment))
    stopped = {side: at for side, at in part.stopped.items() if side is not fact.side}
    return replace(part, media=part.media | {fact.side}, came=part.came | {fact.side}, stopped=stopped)


def _stopped(part: Processes, sides: AbstractSet[Side], moment: Moment) -> dict[Side, datetime]:
    """Since when each room does not send any more, once these do not; those that did not send before stay."""
    return {**part.stopped, **{side: moment.now.wall for side in sides & part.media}}


def _receiving(part: Processes, fact: ev.RoomReceiving, moment: Moment) -> Processes:
    receiving = part.receiving | {fact.side} if fact.receiving else part.receiving - {fact.side}
    return replace(part, receiving=receiving)


def _watchers(part: Processes, fact: ev.WatchersChanged, moment: Moment) -> Processes:
    return replace(part, watchers=fact.watchers)


def _recorder_ready(part: Processes, fact: ev.RecorderReady, moment: Moment) -> Processes:
    return replace(part, recorder=Recorder.IDLE) if part.recorder is Recorder.ABSENT else part


def _recorder_flushed(part: Processes, fact: ev.RecorderFlushed, moment: Moment) -> Processes:
    return replace(part, recorder=Recorder.WRITING, recorded=True)


def _recorder_lost(part: Processes, fact: ev.RecorderLost, moment: Moment) -> Processes:
    """Forget what it found, too: the next part of the recording is looked at anew."""
    return replace(part, recorder=Recorder.ABSENT, faults={})


def _film_unusable(part: Processes, fact: ev.FilmUnusable, moment: Moment) -> Processes:
    return replace(part, faults={**part.faults, fact.side: fact.fault})


def _film_usable(part: Processes, fact: ev.FilmUsable, moment: Moment) -> Processes:
    return replace(part, faults={side: fault for side, fault in part.faults.items() if side is not fact.side})


def _storage(part: Processes, fact: ev.StorageChanged, moment: Moment) -> Processes:
    return replace(part, storage=fact.works)


def _relay_ready(part: Processes, fact: ev.RelayReady, moment: Moment) -> Processes:
    return replace(part, relay=True)


def _relay_lost(part: Processes, fact: ev.RelayLost, moment: Moment) -> Processes:
    """Forget all who are connected too: they are unknown until the next worker reports them."""
    stopped = _stopped(part, part.media, moment)
    return replace(part, relay=False, media=frozenset(), receiving=frozenset(), watchers=frozenset(), stopped=stopped)


FACTS: Table = {
    ev.RoomMedia: _media,
    ev.RoomReceiving: _receiving,
    ev.WatchersChanged: _watchers,
    ev.RecorderReady: _recorder_ready,
    ev.RecorderFlushed: _recorder_flushed,
    ev.RecorderLost: _recorder_lost,
    ev.FilmUnusable: _film_unusable,
    ev.FilmUsable: _film_usable,
    ev.StorageChanged: _storage,
    ev.RelayReady: _relay_ready,
    ev.RelayLost: _relay_lost,
}
