"""The small types that all models are made of. Each string and list has a limit here, so that no value of unlimited
size is accepted, and the same limits appear in the OpenAPI document."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from broker.kernel.ids import Side

ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
# No control characters: they have no place in a name, and they forge lines of logs and journals.
PLAIN = r"^[^\x00-\x1f\x7f]*$"
TOKEN_PATTERN = r"^[A-Za-z0-9._~+/=-]+$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=64)]
"""Id of a slot, session, person or resource."""
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]
"""Id of a site, room or user, as people type it."""
Short = Annotated[str, StringConstraints(pattern=PLAIN, min_length=1, max_length=64)]
"""A person's name, a relation or a title."""
Article = Annotated[str, StringConstraints(pattern=PLAIN, min_length=1, max_length=64)]
"""Code of a ground in the session's rules, or the article that an approval rests on."""
Note = Annotated[str, StringConstraints(pattern=PLAIN, max_length=500)]
"""What an officer adds in words; may be empty."""
WORDY = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
WarningText = Annotated[str, StringConstraints(pattern=WORDY, max_length=120)]
"""Text on a room's screen: as much as is read at a glance from where people sit."""
NoteText = Annotated[str, StringConstraints(pattern=WORDY, max_length=300)]
"""What an officer notes of a visit; not empty."""
Token = Annotated[str, StringConstraints(pattern=TOKEN_PATTERN, min_length=8, max_length=256)]
_Number = Annotated[int, Field(ge=0, le=2**53 - 1)]  # JavaScript counts exactly up to 2^53
_Mark = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
Ref = _Number | _Mark
"""A client's own number or mark for a command; the answer repeats it."""
Page = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,32}$", max_length=32)]
"""Name that one window of the monitor page has made for itself."""
Minutes = Annotated[int, Field(ge=1, le=240)]
Rooms = Annotated[list[Side], Field(min_length=1, max_length=2)]
"""The rooms that an order is meant for."""


def _this_century(moment: datetime) -> datetime:
    # At the edges of the calendar a change of zone overflows; no visit is there.
    if not 2000 <= moment.year < 2100:
        raise ValueError("the year must be between 2000 and 2099")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_this_century)]
"""RFC 3339 with an offset; UTC once inside."""


class Inbound(BaseModel):
    """Base of everything that a client sends: exact types, no unknown members, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Outbound(BaseModel):
    """Base of everything that the server sends: exact types, but readers ignore members that a newer server adds.

    Its texts have no limits: they come from the store, and a long name must not make a page fail.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)
