"""SDP as far as WHIP and WHEP need it (RFC 8866, RFC 9725): lines in, a small frozen description out. Pure.

Everything here came from outside: sizes are limited and anything unclear is MalformedSdp."""

import re
from dataclasses import dataclass, field

from broker.kernel.errors import MalformedSdp

MAX_SDP = 64 * 1024
MAX_MEDIA = 8
MAX_FORMATS, MAX_FEEDBACK = 128, 32  # of one m-line: there are no more payload types; of one of these, ways of feedback
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
    """What a client offers, as far as we use it."""

    media: tuple[Media, ...]
    bundle: tuple[str, ...]
    ufrag: str
    pwd: str
    fingerprint: tuple[str, str]
    setup: str


def parse_offer(text: str) -> Offer:
    """The offer, or MalformedSdp saying what is wrong with it."""
    if len(text) > MAX_SDP:
        raise bad("it is longer than 64 KiB")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "v=0":
        raise bad("it does not begin with v=0")
    head, parts = sections(lines)
    if not parts or len(parts) > MAX_MEDIA:
        raise bad(f"it must have 1 to {MAX_MEDIA} m-lines")
    media = tuple(_media(part) for part in parts)
    if len({one.mid for one in media}) != len(media):
        raise bad("two m-lines have the same mid")
    session = attributes_of(head)

    def anywhere(name: str) -> str:
        for attributes in (*(one.attributes for one in media), session):
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
    """The refusal, for whatever could not be read."""
    return MalformedSdp(f"The SDP offer cannot be used: {why}.", f"SDP 无法使用：{why}。")


def token(value: str) -> str:
    """The value, when it is one visible word. Raises MalformedSdp."""
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
    """The lines of the session, and of each m-line with what follows it."""
    head: list[str] = []
    parts: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            parts.append([])
        (parts[-1] if parts else head).append(line)
    return head, parts


def attributes_of(lines: list[str]) -> dict[str, list[str]]:
    """The values of each a= by its name."""
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
    direction = next((one for one in ("sendonly", "recvonly", "inactive") if one in attributes), "sendrecv")
    return Media(
        kind=token(fields[0]),
        protocol=token(fields[2]),
        formats=" ".join(token(one) for one in fields[3:]),
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
    """Each attribute is read once, however many payload types there are: packets wait meanwhile."""
    maps, formats, feedback = (_by_payload_type(attributes.get(name, [])) for name in ("rtpmap", "fmtp", "rtcp-fb"))
    codecs = []
    for payload_type in dict.fromkeys(payload_types):
        name, _, rest = maps.get(payload_type, [""])[0].partition("/")
        clock = rest.partition("/")[0]
        if not (_is_number(payload_type, 3) and _is_number(clock, 9)):
            continue  # static payload types and nonsense: nothing we would choose
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
