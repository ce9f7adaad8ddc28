"""The small types that messages and bodies are made of. Each string and list has a limit here, so that nothing of
unlimited size gets past the door, and the same limits appear in the OpenAPI document."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
# No control characters: they have no place in a name, and they forge log and ledger lines.
PLAIN = r"^[^\x00-\x1f\x7f]*$"
TOKEN_PATTERN = r"^[A-Za-z0-9._~+/=-]+$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=64)]
"""A slot, session, person or resource."""
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]
"""A site, room or user."""
Short = Annotated[str, StringConstraints(pattern=PLAIN, min_length=1, max_length=64)]
"""A person's name, a relation, a title."""
Article = Annotated[str, StringConstraints(pattern=PLAIN, min_length=1, max_length=64)]
"""An article code such as YN-16-2, or the article an approval rests on."""
Note = Annotated[str, StringConstraints(pattern=PLAIN, max_length=500)]
"""What an officer adds in words."""
WORDY = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
WarningText = Annotated[str, StringConstraints(pattern=WORDY, max_length=120)]
"""What a room is told: as much as is read at a glance from where people sit."""
Remarked = Annotated[str, StringConstraints(pattern=WORDY, max_length=300)]
"""What an officer notes of a visit."""
Token = Annotated[str, StringConstraints(pattern=TOKEN_PATTERN, min_length=8, max_length=256)]
_Number = Annotated[int, Field(ge=0, le=2**53 - 1)]  # JavaScript counts exactly up to 2^53
_Mark = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
Ref = _Number | _Mark
"""A client's own number or mark for a command; the answer repeats it."""
Page = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,32}$", max_length=32)]
"""The name that one window of the monitor page has made for itself."""
Minutes = Annotated[int, Field(ge=1, le=240)]


def _this_century(moment: datetime) -> datetime:
    # At the edges of the calendar a change of zone overflows; no visit is there.
    if not 2000 <= moment.year < 2100:
        raise ValueError("the year must be between 2000 and 2099")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_this_century)]
"""RFC 3339 with an offset; UTC once inside."""


class Said(BaseModel):
    """What comes in: exact types, no unknown members, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Told(BaseModel):
    """What goes out: exact too, but readers ignore members that a newer server adds.

    Its texts have no limits: they come from the store, and a long name must not make a page fail.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)
