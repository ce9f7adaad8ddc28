"""What a terminal reports of itself on its socket, the orders that it is given there, and the fleet as officers see it.
A report has figures and ids of limited size; verdicts on them are the server's."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.fields import Amount, Degrees, Id, Inbound, Line, Moment, Name, NoteText, Outbound
from signaling.api.messages.orders import Figures
from signaling.api.messages.session_view import CheckView, Words

Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]+$", max_length=40)]
DeviceName = Annotated[str, StringConstraints(max_length=100), Line]
"""What a device calls itself, as "HD Webcam (046d:0825)"; may be empty."""
MOST_DONE = 8
"""Orders that one report may name as carried out: a terminal is given few of them."""


class Device(Inbound):
    """A camera, microphone or loudspeaker of a terminal, and whether it worked in the last test; null before that."""

    kind: Literal["camera", "microphone", "speaker"]
    name: DeviceName = ""
    works: bool | None = None


class LastTest(Inbound):
    """The last test of a terminal's equipment; `faults` are the parts that do not work at all."""

    at: Moment
    figures: Figures
    faults: Annotated[list[Literal["camera", "microphone", "speaker", "network"]], Field(max_length=4)]


class TerminalReport(Inbound):
    """The state of a terminal: sent after the welcome, at every change and once a minute; not acknowledged. `shows`:
    its page in a browser, or none (`headless`); `page_alive`: whether that page answers, null for none. `disk` is free
    megabytes. `done` are the orders that it has carried out."""

    type: Literal["terminal_report"] = "terminal_report"
    version: Version
    shows: Literal["page", "headless"]
    page_alive: bool | None = None
    started_at: Moment
    devices: Annotated[list[Device], Field(default_factory=list, max_length=8)]
    temperature: Degrees | None = None
    disk: Amount | None = None
    test: LastTest | None = None
    done: Annotated[list[Id], Field(default_factory=list, max_length=MOST_DONE)]


class TerminalOrder(Outbound):
    """An order to a terminal: to test its equipment, or to end its program in order, which the system then starts
    again. It is sent until a report names it as done, or it is too old."""

    type: Literal["terminal_order"] = "terminal_order"
    id: str
    order: Literal["test", "restart"]


# ---- over HTTP -----------------------------------------------------------------------------------------------------


class RoomReason(Inbound):
    """Why an officer changes which terminal acts for a room; it is journaled."""

    reason: NoteText


class Assignment(Inbound):
    """The room that a terminal without one acts for from now on, and why."""

    room: Name
    reason: NoteText


class DeviceView(Outbound):
    """A camera, microphone or loudspeaker; `works` is null before the first test."""

    kind: str
    name: str
    works: bool | None


class TestView(Outbound):
    """The last test of a terminal's equipment, with the verdict on each check by the limits of its site's rules."""

    at: Moment
    passed: bool
    faults: list[str]
    checks: list[CheckView]


class LineView(Outbound):
    """The line as the last test found it: loss 0 to 1, ms, kbit/s; null for what was not measured."""

    answer: float | None
    loss_up: float | None
    loss_down: float | None
    jitter: float | None
    round_trip: float | None
    up: float | None
    down: float | None


class WaitingOrderView(Outbound):
    """An order that the terminal has not carried out yet; it is forgotten at `expires_at`."""

    id: str
    order: Literal["test", "restart"]
    created_at: Moment
    expires_at: Moment


class NextVisitView(Outbound):
    """The next visit of the terminal's room, or the one that is going on."""

    session: str
    state: str
    starts_at: Moment


Duty = Literal["own_room", "stand_in", "replaced", "spare"]


class TerminalView(Outbound):
    """A terminal as the fleet shows it. `duty`: it acts for its own room, for another one in place of that room's
    terminal, for none because another one does, or for none because it is a spare. `room`: that it acts for, `home`:
    that it was enrolled for. `troubles`: what is wrong, the worst first. `in_visit`: people wait or meet there."""

    id: str
    site: str
    site_name: str
    room: str | None
    room_name: str | None
    home: str | None
    duty: Duty
    state: Literal["active", "token", "conflicted"]
    connected: bool
    last_seen: Moment | None
    reported_at: Moment | None
    version: str | None
    shows: Literal["page", "headless"] | None
    page_alive: bool | None
    started_at: Moment | None
    temperature: float | None
    disk: float | None
    clock: float | None
    devices: list[DeviceView]
    test: TestView | None
    line: LineView | None
    waiting: list[WaitingOrderView]
    in_visit: bool
    next_visit: NextVisitView | None
    troubles: list[Words]


class TerminalList(Outbound):
    """The terminals that the caller may see, those in trouble first. `server_time`: the moment of this list."""

    server_time: Moment
    terminals: list[TerminalView]


class TerminalQuery(Inbound):
    """Only the terminals of one site."""

    site: Name | None = None
