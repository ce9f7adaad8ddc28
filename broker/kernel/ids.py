"""Identifiers as distinct string types, so that a type checker refuses a room where a session is meant."""

import base64
import re
import secrets
from enum import StrEnum
from typing import NewType

SiteId = NewType("SiteId", str)
RoomId = NewType("RoomId", str)
TerminalId = NewType("TerminalId", str)
UserId = NewType("UserId", str)
SlotId = NewType("SlotId", str)
SessionId = NewType("SessionId", str)
PersonId = NewType("PersonId", str)
ResourceId = NewType("ResourceId", str)
WarningId = NewType("WarningId", str)
AlertId = NewType("AlertId", str)
ApprovalId = NewType("ApprovalId", str)
SuspensionId = NewType("SuspensionId", str)
RebookingId = NewType("RebookingId", str)
AnnouncementId = NewType("AnnouncementId", str)
AbsenceId = NewType("AbsenceId", str)
HandoverId = NewType("HandoverId", str)

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
_NAME = re.compile(NAME_PATTERN)


class Side(StrEnum):
    """One of the two ends of a session: the inmate's (`prison`) or the family's (`visitor`)."""

    PRISON = "prison"
    VISITOR = "visitor"

    @property
    def other(self) -> "Side":
        """The opposite side of the session."""
        return Side.VISITOR if self is Side.PRISON else Side.PRISON


def new_id(prefix: str) -> str:
    """Return an unguessable identifier: `prefix_` and 26 lower-case base32 characters (130 random bits)."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]}"


def is_name(text: str) -> bool:
    """Whether `text` may name a site, a room or a user: 1 to 63 of a-z, 0-9 and '-', not starting with '-'."""
    return _NAME.fullmatch(text) is not None  # `$` alone would allow a newline at the end
