"""SDP fragments of WHIP and WHEP clients (RFC 8840 9, RFC 9725 4.3), pure: the few lines that ask for an ICE restart or
trickle candidates. Candidates are checked and not used: the server is ICE-lite, and clients come to it."""

import re
from dataclasses import dataclass

from broker.media.sdp import attributes_of, bad, lines_of, sections, token

_UFRAG, _PWD = re.compile(r"^[A-Za-z0-9+/]{4,256}\Z"), re.compile(r"^[A-Za-z0-9+/]{22,256}\Z")  # RFC 8839 5.4
_CANDIDATE = re.compile(r"^\S{1,64} \d{1,5} \S+ \d{1,10} \S+ \d{1,5} typ \S+( |\Z)", re.ASCII)  # RFC 8839 5.1
_TRICKLED = ("candidate", "end-of-candidates", "ice-ufrag")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A client's side of a new ICE session, and the m-line it belongs to: the one that carries the bundle."""

    ufrag: str
    pwd: str
    kind: str
    mid: str


def parse_fragment(text: str) -> Fragment:
    """Return the fragment of a restart. Raises MalformedSdp with what is wrong with it."""
    head, parts = sections(lines_of(text))
    if not parts:
        raise bad("a fragment needs the m-line it belongs to", "片段缺少所属的媒体行（m=）")
    fields, own = parts[0][0][2:].split(), attributes_of(parts[0][1:])
    if not fields or fields[0] not in ("audio", "video"):
        raise bad("a fragment belongs to an audio or a video m-line", "片段应属于 audio 或 video 媒体行")
    found = {**attributes_of(head), **own}
    ufrag, pwd = _attribute(found, "ice-ufrag", _UFRAG), _attribute(found, "ice-pwd", _PWD)
    return Fragment(ufrag, pwd, fields[0], _mid(own))


def check_trickle(text: str) -> None:
    """Check that a fragment contains what may be trickled. Raises MalformedSdp."""
    lines = lines_of(text)
    if not all(line.startswith(("a=", "m=")) for line in lines):
        raise bad("a fragment consists of a= and m= lines", "片段只能由 a= 与 m= 行组成")
    found = attributes_of(lines)
    if not any(name in found for name in _TRICKLED):
        raise bad("a fragment brings candidates or the end of them", "片段应含候选地址或其结束标志")
    if not all(_CANDIDATE.match(value) for value in found.get("candidate", []) if value):
        raise bad("an a=candidate is not of the form of RFC 8839", "某个 a=candidate 不符合 RFC 8839 的格式")


def _attribute(found: dict[str, list[str]], name: str, form: re.Pattern[str]) -> str:
    value = found.get(name, [""])[0]
    if not form.match(value):
        raise bad(f"a={name} is missing or not of the form of RFC 8839", f"缺少 a={name}，或不符合 RFC 8839 的格式")
    return value


def _mid(own: dict[str, list[str]]) -> str:
    if "mid" not in own:
        raise bad("a=mid is missing", "缺少 a=mid")
    return token(own["mid"][0])
