"""What a terminal reports of itself on its socket, and the orders that it is given there. A report has figures and ids
of limited size; verdicts on them are the server's."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from signaling.api.messages.fields import Amount, Degrees, Id, Inbound, Line, Moment, Outbound
from signaling.api.messages.orders import Figures

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
