"""The small types that all models are made of. Each string and list has a limit here, so that no value of unlimited
size is accepted, and the same limits appear in the OpenAPI document."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from broker.kernel.ids import Side
from config.articles.rules_text import LANGUAGE
from config.words import Unreadable, readable

ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
LONGEST_TEXT = 2000
"""The longest text of any member; a longer one is refused for its length, before it is read."""
TOKEN_PATTERN = r"^[A-Za-z0-9._~+/=-]+$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=64)]
"""Id of a slot, session, person or resource."""
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]
"""Id of a site, room or user, as people type it."""


def _readable(text: object, lines: bool) -> object:
    """Return a text in the spelling in which it is stored; what is no text is left to the type. Raises an error whose
    type begins with `text_`, which becomes the refusal TextNotAllowed."""
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        return text
    try:
        return readable(text, lines)
    except Unreadable as error:
        raise PydanticCustomError(f"text_{error.what}", "not a text that can be read") from error


@dataclass(frozen=True, slots=True)
class _Readable:
    """The mark of a text that people read, without what cannot be seen (`config/words.py`). The document says so by
    `format`, as no pattern can."""

    lines: bool

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the text, read before its length is looked at."""
        return core_schema.no_info_before_validator_function(partial(_readable, lines=self.lines), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return what the document says of the text."""
        return {**handler(schema), "format": "readable-lines" if self.lines else "readable-line"}


Line = _Readable(lines=False)
"""Mark of a text of one line."""
Lines = _Readable(lines=True)
"""Mark of a text that may have several lines."""
Short = Annotated[str, StringConstraints(min_length=1, max_length=64), Line]
"""A person's name, a relation or a title."""
Relation = Annotated[str, StringConstraints(max_length=64), Line]
"""What a visitor is to the inmate; may be empty."""
ExternalId = Annotated[str, StringConstraints(max_length=128), Line]
"""A booking system's own name for a slot; may be empty."""
Article = Annotated[str, StringConstraints(min_length=1, max_length=64), Line]
"""Code of a ground in the session's rules, or the article that an approval rests on."""
Note = Annotated[str, StringConstraints(max_length=500), Lines]
"""What an officer adds in words; may be empty, and have several lines."""
WarningText = Annotated[str, StringConstraints(min_length=1, max_length=120), Line]
"""Text on a room's screen: as much as is read at a glance from where people sit."""


def _whole(number: object) -> object:
    return int(number) if isinstance(number, float) and number.is_integer() else number


Whole = BeforeValidator(_whole)
"""Mark of a whole number, which some programs write as 30.0: JSON knows one kind of numbers (RFC 8259, section 6)."""
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""A figure that is never less than nothing."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A part of a whole."""
Level = Annotated[float, Field(ge=-200, le=20, allow_inf_nan=False)]
"""A level of sound in dBFS."""
Offset = Annotated[float, Field(ge=-1e13, le=1e13, allow_inf_nan=False)]
"""By how many ms a clock is ahead; less than nothing for one that is behind."""
Degrees = Annotated[float, Field(ge=-100, le=200, allow_inf_nan=False)]
"""A temperature in degrees Celsius."""
NoteText = Annotated[str, StringConstraints(min_length=1, max_length=300), Lines]
"""What an officer notes of a visit or gives as a reason; not empty, and of several lines if need be."""
AnnouncementText = Annotated[str, StringConstraints(min_length=1, max_length=2000), Lines]
"""Text of an announcement; it may have several lines."""
Language = Annotated[str, StringConstraints(pattern=f"^{LANGUAGE}$", max_length=35)]
"""Tag of a language (BCP 47) in small letters."""
Token = Annotated[str, StringConstraints(pattern=TOKEN_PATTERN, min_length=8, max_length=256)]
_Number = Annotated[int, Field(ge=0, le=2**53 - 1), Whole]  # JavaScript counts exactly up to 2^53
_Mark = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]
Ref = _Number | _Mark
"""A client's own number or mark for a command; the answer repeats it."""
Page = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,32}$", max_length=32)]
"""Name that one window of the monitor page has made for itself."""
Minutes = Annotated[int, Field(ge=1, le=240), Whole]
Rooms = Annotated[list[Side], Field(min_length=1, max_length=2)]
"""The rooms that an order is meant for."""


def _this_century(moment: datetime) -> datetime:
    # At the edges of the calendar a change of zone overflows; no visit is there.
    if not 2000 <= moment.year < 2100:
        raise ValueError("the year must be between 2000 and 2099")
    return moment.astimezone(UTC)


_CENTURY = {"pattern": "^20[0-9]{2}-"}
Moment = Annotated[AwareDatetime, AfterValidator(_this_century), Field(json_schema_extra=_CENTURY)]
"""RFC 3339 with an offset; UTC once inside."""
Day = Annotated[date, Field(json_schema_extra=_CENTURY)]
"""A day in Asia/Shanghai. Its year is checked where it becomes moments, which says so in words."""


class Inbound(BaseModel):
    """Base of everything that a client sends: exact types, no unknown members, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Outbound(BaseModel):
    """Base of everything that the server sends: exact types, but readers ignore members that a newer server adds.

    Its texts have no limits: they come from the store, and a long name must not make a page fail.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def exactly_one(*groups: tuple[str, ...]) -> dict[str, Any]:
    """Return what the document says of a body that has all members of one of these groups, and none of the others."""
    return {
        "oneOf": [has_members(*group, absent={n for other in groups for n in other} - set(group)) for group in groups]
    }


def has_members(*names: str, absent: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the document says of a body that has these members, and none of the `absent`."""
    present = {name: {"not": {"type": "null"}} for name in names}
    return {"required": list(names), "properties": {**present, **{name: {"type": "null"} for name in sorted(absent)}}}
