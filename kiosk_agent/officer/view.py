"""What the officer's screen shows, as one value that the page draws."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import msgspec

from kiosk_agent.officer.choices import Choices, Label
from kiosk_agent.room.words import Words


class Level(StrEnum):
    """Level of the officer's screen. VOLUME is all that there is while people meet: a strip that covers nothing."""

    CLOSED = "closed"
    PIN = "pin"
    OPEN = "open"
    VOLUME = "volume"


class Row(msgspec.Struct, frozen=True):
    """A line of a table: what it is about, and its value; `bad` marks what needs attention."""

    label: Words
    value: Words
    bad: bool = False


class Group(msgspec.Struct, frozen=True):
    """Rows of a table under one heading."""

    title: Words
    rows: tuple[Row, ...]


class KeptTestView(msgspec.Struct, frozen=True):
    """A test of the history: its time by the clock of Shanghai, whether all parts work, and what it found."""

    at: str
    good: bool
    text: Words


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device of the browser; `used` for the one that is open now."""

    kind: Literal["camera", "microphone", "speaker"]
    label: Label
    used: bool = False


class OfficerView(msgspec.Struct, frozen=True, kw_only=True):
    """Content of the officer's screen.

    `strip`: the room's own screen stays visible, and the officer's is a line above it; `note` is the newest answer to
    what was done, `trouble` whether it is bad news; `wait` the whole seconds until a PIN may be tried; `testing` and
    `exporting` (0 to 1) are what runs; `leaves` the whole seconds after which the screen closes by itself, once that is
    soon."""

    level: Level
    strip: bool = False
    note: Words | None = None
    trouble: bool = False
    wait: int = 0
    leaves: int | None = None
    groups: tuple[Group, ...] = ()
    tests: tuple[KeptTestView, ...] = ()
    devices: tuple[Device, ...] = ()
    choices: Choices | None = None
    testing: bool = False
    exporting: float | None = None


CLOSED = OfficerView(level=Level.CLOSED)
Figures = Mapping[str, float]
