"""Every message between the agent and the room's page, in both directions, over the loopback WebSocket. Both ends
refuse what is not listed here. What the page sends are facts and figures, and small pictures while people are counted
(`small_picture.py`): no sound and no credential."""

from typing import Annotated, Literal

import msgspec

from kiosk_agent.officer.choices import Choices, Label, Volume
from kiosk_agent.officer.view import Device, OfficerView
from kiosk_agent.room.screens import Screen
from kiosk_agent.state.events import MediaKind

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Luma = Annotated[float, msgspec.Meta(ge=0.0, le=255.0)]
Amount = Annotated[float, msgspec.Meta(ge=0.0, le=100_000.0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Text = Annotated[str, msgspec.Meta(max_length=64)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """A message between agent and page; its `type` is the tag."""


# ---- agent to page -------------------------------------------------------------------------------------------------


class Show(Message, frozen=True, tag="show"):
    """Show this screen from now on. `left` is the time until the limit in seconds, when it is to be shown."""

    screen: Screen
    left: float | None = None


class OpenMedia(Message, frozen=True, tag="open_media"):
    """Begin this attempt: WHIP or WHEP at the address `path`. In a `drill` a made-up picture and tone are sent, and
    nothing that comes is played."""

    kind: MediaKind
    attempt: Count
    path: str
    drill: bool = False


class CloseMedia(Message, frozen=True, tag="close_media"):
    """End this attempt; `media_down` answers once it is closed."""

    kind: MediaKind
    attempt: Count


class CheckEquipment(Message, frozen=True, tag="test"):
    """Test camera, microphone and loudspeaker; `tested` with the same number answers. `listen`: record
    the microphone as it is; `sweep`: and then once more while the rising tone is played."""

    number: Count
    listen: bool = False
    sweep: bool = False


class Settings(Message, frozen=True, tag="settings"):
    """Use these devices and this volume, and begin each visit with this language and size."""

    choices: Choices


class ShowOfficer(Message, frozen=True, tag="officer"):
    """Show the officer's screen like this from now on."""

    view: OfficerView


class CountPeople(Message, frozen=True, tag="count_people"):
    """Send small pictures of the room from now on, in which the agent counts people; or (`on` false) none any more."""

    on: bool


AgentMessage = Show | OpenMedia | CloseMedia | CheckEquipment | CountPeople | Settings | ShowOfficer


# ---- page to agent -------------------------------------------------------------------------------------------------


class Beat(Message, frozen=True, tag="beat"):
    """The page is alive: sent each second from its main loop, so that a page that hangs is noticed."""


class MediaUp(Message, frozen=True, tag="media_up"):
    """The connection of this attempt is up."""

    kind: MediaKind
    attempt: Count


class MediaDown(Message, frozen=True, tag="media_down"):
    """The attempt is over and nothing of it is left: it failed (`code` says why), was lost, or was closed."""

    kind: MediaKind
    attempt: Count
    code: Text = ""


class Received(Message, frozen=True, tag="received"):
    """Counts of what has come on the present subscription, once a second. `quiet`: seconds without a packet."""

    attempt: Count
    quiet: Seconds
    packets: Count
    frames: Count
    sounds: Count
    """Samples of sound that came, and were not made up."""
    energy: Seconds
    """The sum of the sound's energy (W3C webrtc-stats: totalAudioEnergy)."""
    width: Count = 0
    height: Count = 0


class Figures(Message, frozen=True, tag="figures"):
    """Figures of this room's own picture and sound, once a second while they are sent.

    `luma`, `spread`, `change`: mean and spread of the brightness (16 black, 235 white) and its mean difference from the
    look before; None where no new picture came. `level`: the loudest moment (full scale 1.0), None for no sound."""

    luma: Luma | None
    spread: Luma | None
    change: Luma | None
    level: Share | None


class EquipmentChecked(Message, frozen=True, tag="tested"):
    """Figures of an equipment test, as in Figures; `width` and `rate` of the camera as it was opened; `speaker`: did
    the sound device take the test tone."""

    number: Count
    luma: Luma | None
    change: Luma | None
    level: Share | None
    speaker: bool
    width: Amount
    rate: Amount


class RulesRead(Message, frozen=True, tag="rules_read"):
    """The people in the room have acknowledged the rules of this session, shown in that language."""

    session: Text
    language: Text
    touch: bool


class WarningRead(Message, frozen=True, tag="warning_read"):
    """The people in the room have confirmed the warning with this id."""

    warning: Text


class Finished(Message, frozen=True, tag="finished"):
    """The people in the room say that they have finished, or (`on` false) that they go on after all."""

    on: bool


class Trouble(Message, frozen=True, tag="trouble"):
    """The page reports a fault of its own by a code, for the log."""

    code: Text


class OfficerAsked(Message, frozen=True, tag="officer_asked"):
    """The officer's screen was asked for, by its key or the corner."""


class PinTyped(Message, frozen=True, tag="pin"):
    """The PIN that was typed."""

    pin: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,12}$")]


class OfficerActive(Message, frozen=True, tag="officer_active"):
    """The officer's screen is being used, by touch or key."""


class OfficerLeft(Message, frozen=True, tag="officer_left"):
    """The officer has left the screen."""


class OfficerOrdered(Message, frozen=True, tag="officer_order"):
    """The officer has pressed a button: test the equipment, export the logs, start the agent again."""

    order: Literal["test", "export", "restart"]


class DevicesFound(Message, frozen=True, tag="devices"):
    """The devices that the browser has now, for the officer's screen."""

    devices: Annotated[tuple[Device, ...], msgspec.Meta(max_length=32)]


class Chosen(Message, frozen=True, tag="choose", omit_defaults=True):
    """The officer has chosen: a device by its label (empty: the browser's choice), the volume, or what each visit
    begins with."""

    camera: Label | None = None
    microphone: Label | None = None
    speaker: Label | None = None
    volume: Volume | None = None
    language: Literal["zh", "en"] | None = None
    large: bool | None = None


OfficerMessage = OfficerAsked | PinTyped | OfficerActive | OfficerLeft | OfficerOrdered | DevicesFound | Chosen
PageMessage = (
    OfficerMessage
    | Beat
    | MediaUp
    | MediaDown
    | Received
    | Figures
    | EquipmentChecked
    | RulesRead
    | WarningRead
    | Finished
    | Trouble
)

_READ = msgspec.json.Decoder(PageMessage)


def read(text: str | bytes) -> PageMessage:
    """Return a message of the page. Raises msgspec.DecodeError for what is none (ValidationError is one)."""
    message: PageMessage = _READ.decode(text)
    return message


def written(message: AgentMessage) -> str:
    """Return a message to the page as text."""
    return msgspec.json.encode(message).decode()
