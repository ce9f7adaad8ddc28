"""Simulcast in SDP, pure: several encodings of one video on an m-line (RFC 8853), each named by a restriction
identifier (RFC 8851). A header extension names the encoding of a packet (RFC 8852), because no SSRCs are announced."""

import re
from dataclasses import dataclass
from itertools import pairwise

from broker.media import header_extensions
from broker.media.sdp import Media

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
MOST = 4  # encodings; browsers send up to three, OBS up to four
_RID = re.compile(r"^[A-Za-z0-9_-]{1,16}\Z")


@dataclass(frozen=True, slots=True)
class Simulcast:
    """The agreed simulcast: the names of the encodings, and the identifiers of the extensions that carry them."""

    rids: tuple[str, ...]
    rid: int
    repaired: int | None = None
    mid: int | None = None


def agree(media: Media, payload_type: int) -> Simulcast | None:
    """Return the encodings that a publisher offers, or None where there is one or packets do not name theirs."""
    rid = header_extensions.offered(media, RID)
    rids = tuple(name for name in _sent(media) if _usable(media, name, payload_type))[:MOST]
    if rid is None or len(rids) < 2:
        return None
    return Simulcast(rids, rid, header_extensions.offered(media, REPAIRED), header_extensions.offered(media, MID))


def lines(agreed: Simulcast) -> list[str]:
    """Return the lines of the answer for these encodings."""
    named = ((agreed.mid, MID), (agreed.rid, RID), (agreed.repaired, REPAIRED))
    return [
        *(f"a=extmap:{number} {uri}" for number, uri in named if number is not None),
        *(f"a=rid:{name} recv" for name in agreed.rids),
        f"a=simulcast:recv {';'.join(agreed.rids)}",
    ]


def _sent(media: Media) -> list[str]:
    """Return the names after `send`: the first of alternatives, without `~` (initially paused)."""
    words = media.attributes.get("simulcast", [""])[0].split()
    sent = next((after for word, after in pairwise(words) if word == "send"), "")
    names = (alternatives.split(",")[0].removeprefix("~") for alternatives in sent.split(";"))
    return list(dict.fromkeys(name for name in names if _RID.match(name)))


def _usable(media: Media, name: str, payload_type: int) -> bool:
    """Whether an a=rid line offers to send this encoding, and not in other formats only (RFC 8851 5)."""
    for value in media.attributes.get("rid", []):
        words = value.split(maxsplit=2)
        if words[:2] == [name, "send"]:
            rest = words[2].split(";") if len(words) > 2 else []
            formats = next((restriction[3:].split(",") for restriction in rest if restriction.startswith("pt=")), None)
            return formats is None or str(payload_type) in formats
    return False
