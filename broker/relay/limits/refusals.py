"""What a worker refuses, counted by reason: a closed list, as strangers must not be able to make it longer."""

from collections import Counter
from enum import StrEnum


class Reason(StrEnum):
    """Why a datagram, a part of one, or a connection was dropped."""

    FILTERED = "filtered"
    """The kernel dropped it at the shared socket: it was no STUN check, or there were too many."""
    OVERFLOW = "overflow"
    """The kernel dropped it at a client's own socket: it sent more than was read."""
    STRANGER = "stranger"
    """It came from an address that no client has proven, and was no check for one."""
    CHECK = "check"
    """A STUN check with a wrong password, a copied one, or too many of one host or client."""
    TAKEN = "taken"
    """A valid check from an address that another client uses now."""
    HANDSHAKE = "handshake"
    """DTLS of a client over its budget, or a handshake over that of the worker."""
    FORGED = "forged"
    """Media or RTCP that is not authentic, came before, or belongs to no stream."""
    RTCP = "rtcp"
    """RTCP of a client over its budget, or parts of it."""
    RATIONED = "rationed"
    """A supervisor's feedback on single packets, which an overloaded worker reads more rarely."""
    MEDIA = "media"
    """Media of a publisher that was over its budget."""
    CONNECTION = "connection"
    """TCP connections that were closed for a newer one, or came when there was no room."""


class Refusals(Counter[Reason]):
    """Counts of what was dropped, by reason."""

    def report(self) -> dict[str, int]:
        """Return the counts, zeros too, by the reason's name."""
        return {reason.value: self[reason] for reason in Reason}
