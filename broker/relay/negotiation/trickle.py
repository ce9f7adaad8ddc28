"""SDP fragments of WHIP and WHEP clients (RFC 8840 9, RFC 9725 4.3), pure: the few lines with which an ICE restart is
asked for and answered. Candidates in them are looked at and forgotten: ICE is lite, and clients come to us."""

import re
from dataclasses import dataclass

from broker.media.sdp import MAX_SDP, attributes_of, bad, sections, token
from broker.relay.negotiation.answer import Endpoint
from broker.relay.transport import candidates

_UFRAG, _PWD = re.compile(r"^[A-Za-z0-9+/]{4,256}\Z"), re.compile(r"^[A-Za-z0-9+/]{22,256}\Z")  # RFC 8839 5.4


_CANDIDATE = re.compile(r"^\S{1,64} \d{1,5} \S+ \d{1,10} \S+ \d{1,5} typ \S+( |\Z)", re.ASCII)  # RFC 8839 5.1
_TRICKLED = ("candidate", "end-of-candidates", "ice-ufrag")


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a client says of its new ICE session, and of which m-line: the one that carries the bundle."""

    ufrag: str
    pwd: str
    kind: str
    mid: str


def parse_fragment(text: str) -> Fragment:
    """The fragment of a restart, or MalformedSdp saying what is wrong with it."""
    head, parts = sections(_lines(text))
    if not parts:
        raise bad("a fragment needs the m-line it belongs to")
    fields, own = parts[0][0][2:].split(), attributes_of(parts[0][1:])
    if not fields or fields[0] not in ("audio", "video"):
        raise bad("a fragment belongs to an audio or a video m-line")
    found = {**attributes_of(head), **own}
    return Fragment(_one(found, "ice-ufrag", _UFRAG), _one(found, "ice-pwd", _PWD), fields[0], _mid(own))


def check_trickle(text: str) -> None:
    """Whether a fragment brings what may be trickled. Raises MalformedSdp."""
    lines = _lines(text)
    if not all(line.startswith(("a=", "m=")) for line in lines):
        raise bad("a fragment consists of a= and m= lines")
    found = attributes_of(lines)
    if not any(name in found for name in _TRICKLED):
        raise bad("a fragment brings candidates or the end of them")
    if not all(_CANDIDATE.match(value) for value in found.get("candidate", []) if value):
        raise bad("an a=candidate is not of the form of RFC 8839")


def answer_fragment(asked: Fragment, endpoint: Endpoint) -> str:
    """Our side of the new ICE session."""
    lines = [
        "a=ice-lite",
        f"a=group:BUNDLE {asked.mid}",
        f"m={asked.kind} 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{asked.mid}",
        f"a=ice-ufrag:{endpoint.ufrag}",
        f"a=ice-pwd:{endpoint.pwd}",
        *candidates.lines(endpoint.addresses),
    ]
    return "\r\n".join(lines) + "\r\n"


def _lines(text: str) -> list[str]:
    if len(text) > MAX_SDP:
        raise bad("it is longer than 64 KiB")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _one(found: dict[str, list[str]], name: str, form: re.Pattern[str]) -> str:
    value = found.get(name, [""])[0]
    if not form.match(value):
        raise bad(f"a={name} is missing or not of the form of RFC 8839")
    return value


def _mid(own: dict[str, list[str]]) -> str:
    if "mid" not in own:
        raise bad("a=mid is missing")
    return token(own["mid"][0])
