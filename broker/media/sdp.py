"""SDP offers as far as WHIP and WHEP need them (RFC 8866, RFC 9725), parsed into a small frozen description. Pure.

Offers come from outside: sizes are limited, and MalformedSdp is raised for everything that is unclear."""

import re
from dataclasses import dataclass, field

from broker.kernel.errors import MalformedSdp

MAX_SDP = 64 * 1024
MAX_MEDIA = 8
MAX_FORMATS = 128  # formats of an m-line: there are no more payload types
MAX_FEEDBACK = 32  # a=rtcp-fb lines of one payload type that are read
_TOKEN = re.compile(r"^[!-~]{1,256}\Z")


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of an m-line."""

    payload_type: int
    name: str
    clock: int
    parameters: dict[str, str]
    feedback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """One m-line of an offer."""

    kind: str
    protocol: str
    formats: str
    mid: str
    direction: str
    codecs: tuple[Codec, ...]
    ssrcs: tuple[int, ...]
    attributes: dict[str, list[str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """The parts of a client's offer that the relay uses."""

    media: tuple[Media, ...]
    bundle: tuple[str, ...]
    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    setup: str


def parse_offer(text: str) -> Offer:
    """Return the offer in `text`. Raises MalformedSdp, which says what is wrong with it."""
    if len(text) > MAX_SDP:
        raise bad("it is longer than 64 KiB")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "v=0":
        raise bad("it does not begin with v=0")
    head, parts = sections(lines)
    if not parts or len(parts) > MAX_MEDIA:
        raise bad(f"it must have 1 to {MAX_MEDIA} m-lines")
    media = tuple(_media(part) for part in parts)
    if len({line.mid for line in media}) != len(media):
        raise bad("two m-lines have the same mid")
    session = attributes_of(head)

    def anywhere(name: str) -> str:
        for attributes in (*(line.attributes for line in media), session):
            if name in attributes:
                return attributes[name][0]
        raise bad(f"a={name} is missing")

    algorithm, _, value = anywhere("fingerprint").partition(" ")
    groups = [group.split()[1:] for group in session.get("group", []) if group.startswith("BUNDLE ")]
    return Offer(
        media=media,
        bundle=tuple(groups[0]) if groups else (),
        ufrag=token(anywhere("ice-ufrag")),
        pwd=token(anywhere("ice-pwd")),
        fingerprint=(_digest(algorithm.lower()), token(value.strip())),
        setup=_setup(anywhere("setup")),
    )


def bad(why: str) -> MalformedSdp:
    """Return the refusal of an SDP that cannot be used because of `why`."""
    return MalformedSdp(f"The SDP offer cannot be used: {why}.", f"SDP 无法使用：{why}。")


def token(value: str) -> str:
    """Return `value` if it is one word of visible ASCII. Raises MalformedSdp."""
    if not _TOKEN.match(value):
        raise bad("an attribute has an unusable value")
    return value


def _digest(value: str) -> str:
    if value not in ("sha-256", "sha-384", "sha-512"):
        raise bad("a=fingerprint must be of sha-256, sha-384 or sha-512")
    return value


def _setup(value: str) -> str:
    if value not in ("actpass", "active", "passive"):
        raise bad("a=setup must be actpass, active or passive")
    return value


def sections(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """Return the lines of the session part, and for each m-line the lines from it to the next one."""
    head: list[str] = []
    parts: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            parts.append([])
        (parts[-1] if parts else head).append(line)
    return head, parts


def attributes_of(lines: list[str]) -> dict[str, list[str]]:
    """Return the values of the a= lines by attribute name."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value)
    return found


def _media(lines: list[str]) -> Media:
    fields = lines[0][2:].split()
    if len(fields) < 4:
        raise bad("an m-line is cut off")
    if len(fields) > 3 + MAX_FORMATS:
        raise bad(f"an m-line has more than {MAX_FORMATS} formats")
    attributes = attributes_of(lines[1:])
    direction = next((name for name in ("sendonly", "recvonly", "inactive") if name in attributes), "sendrecv")
    return Media(
        kind=token(fields[0]),
        protocol=token(fields[2]),
        formats=" ".join(token(name) for name in fields[3:]),
        mid=token(attributes.get("mid", ["-"])[0]),
        direction=direction,
        codecs=_codecs(fields[3:], attributes) if fields[0] in ("audio", "video") else (),
        ssrcs=tuple(dict.fromkeys(_ssrc(value) for value in attributes.get("ssrc", [])[:64])),
        attributes=attributes,
    )


def _ssrc(value: str) -> int:
    number = value.split(" ", 1)[0]
    if not _is_number(number, 10) or int(number) >> 32:
        raise bad("an a=ssrc is not a number")
    return int(number)


def _codecs(payload_types: list[str], attributes: dict[str, list[str]]) -> tuple[Codec, ...]:
    """Return the codecs of an m-line. Each attribute is read once, however many payload types there are, because the
    event loop forwards no packets meanwhile."""
    maps, formats, feedback = (_by_payload_type(attributes.get(name, [])) for name in ("rtpmap", "fmtp", "rtcp-fb"))
    codecs = []
    for payload_type in dict.fromkeys(payload_types):
        name, _, rest = maps.get(payload_type, [""])[0].partition("/")
        clock = rest.partition("/")[0]
        if not (_is_number(payload_type, 3) and _is_number(clock, 9)):
            continue  # static payload types and malformed lines are never chosen
        if int(payload_type) > 127:
            continue
        parameters = _parameters(formats.get(payload_type, [""])[0])
        ways = [*feedback.get("*", [])[:MAX_FEEDBACK], *feedback.get(payload_type, [])[:MAX_FEEDBACK]]
        codecs.append(Codec(int(payload_type), name.lower(), int(clock), parameters, tuple(ways)))
    return tuple(codecs)


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def _by_payload_type(values: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in values:
        payload_type, _, rest = value.partition(" ")
        found.setdefault(payload_type, []).append(rest.strip())
    return found


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name.lower(): value.lower() for name, _, value in pairs if name}
