"""SDP offers as far as WHIP and WHEP need them (RFC 8866, RFC 9725), parsed into a small frozen description. Pure.

Offers come from outside: sizes are limited, and MalformedSdp is raised for everything that is unclear. What stands at
the session level holds for each m-line that does not say otherwise."""

import re
from dataclasses import dataclass, field

from broker.kernel.errors import MalformedSdp, UnsupportedOffer

MAX_SDP = 64 * 1024
MAX_MEDIA = 8
MAX_FORMATS = 128  # formats of an m-line: there are no more payload types
MAX_FEEDBACK = 32  # a=rtcp-fb lines of one payload type that are read
MAX_FINGERPRINTS = 16  # certificates of one client that are compared
SPROP = "sprop-parameter-sets"
"""The one parameter whose value is kept as it is written: base64 (RFC 6184 8.1)."""
DIGESTS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""The hash functions that a fingerprint may be of, and the bytes of their values. Older ones prove nothing any more."""
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
Attributes = dict[str, list[str]]
_LINE_END = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"^[!-~]{1,256}\Z")
_FINGERPRINT = re.compile(r"^[0-9A-F]{2}(:[0-9A-F]{2}){31,63}\Z")
_PORT = re.compile(r"^[0-9]{1,5}(/[0-9]{1,5})?\Z")


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
    """One m-line of an offer. `mid` is empty where the client gave it none."""

    kind: str
    protocol: str
    formats: str
    mid: str
    direction: str
    codecs: tuple[Codec, ...]
    ssrcs: tuple[int, ...]
    attributes: Attributes = field(repr=False)
    enabled: bool = True
    """False where the client has disabled the m-line: its port is 0, and it does not wait for the bundle's."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The parts of a client's offer that the relay uses. The client's certificate has one of the `fingerprints`, which
    are (hash function, value) pairs."""

    media: tuple[Media, ...]
    bundle: tuple[str, ...]
    ufrag: str
    pwd: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str


def parse_offer(text: str) -> Offer:
    """Return the offer in `text`. Raises MalformedSdp, or UnsupportedOffer, which say what is wrong with it."""
    lines = lines_of(text)
    if not lines or lines[0] != "v=0":
        raise bad("it does not begin with v=0", "第一行应为 v=0")
    head, parts = sections(lines)
    if not parts or len(parts) > MAX_MEDIA:
        raise bad(f"it must have 1 to {MAX_MEDIA} m-lines", f"媒体行（m=）应有 1 至 {MAX_MEDIA} 行")
    session = attributes_of(head)
    if "ice-lite" in session:
        raise UnsupportedOffer(
            "The server is ICE-lite and sends no checks: a client must be a full ICE agent, offer without a=ice-lite.",
            "服务器为 ICE-lite，不发起连通性检查，客户端须为完整的 ICE 实现：请去掉 a=ice-lite。",
        )
    groups = [tuple(group.split()[1:]) for group in session.get("group", []) if group.startswith("BUNDLE ")]
    media = tuple(_media(part, session, {mid for group in groups for mid in group}) for part in parts)
    mids = [line.mid for line in media if line.mid]
    if len(set(mids)) != len(mids):
        raise bad("two m-lines have the same mid", "两个媒体行的 mid 相同")
    bundle, main = _main(media, groups)
    places = [main.attributes, session, *(line.attributes for line in media)]
    return Offer(
        media=media,
        bundle=bundle,
        ufrag=token(_first(places, "ice-ufrag")),
        pwd=token(_first(places, "ice-pwd")),
        fingerprints=_fingerprints(places),
        setup=_setup(_first(places, "setup")),
    )


def bad(why: str, why_zh: str) -> MalformedSdp:
    """Return the refusal of an SDP that cannot be used because of `why`, in English and Chinese."""
    return MalformedSdp(f"The SDP offer cannot be used: {why}.", f"SDP 无法使用：{why_zh}。")


def token(value: str) -> str:
    """Return `value` if it is one word of visible ASCII. Raises MalformedSdp."""
    if not _TOKEN.match(value):
        raise bad(
            "an attribute has an unusable value, which must be one word of visible ASCII",
            "某个属性的值无法使用，应为一个可见 ASCII 字符的词",
        )
    return value


def lines_of(text: str) -> list[str]:
    """Return the lines of an SDP, without those that are blank. They end as RFC 8866 5 says, or with LF or CR alone.

    Raises MalformedSdp."""
    if len(text) > MAX_SDP:
        raise bad("it is longer than 64 KiB", "长度超过 64 KiB")
    return [line.strip() for line in _LINE_END.split(text) if line.strip()]


def sections(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """Return the lines of the session part, and for each m-line the lines from it to the next one."""
    head: list[str] = []
    parts: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            parts.append([])
        (parts[-1] if parts else head).append(line)
    return head, parts


def attributes_of(lines: list[str]) -> Attributes:
    """Return the values of the a= lines by attribute name."""
    found: Attributes = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value.strip())
    return found


# --- the transport ---------------------------------------------------------------------------------------------------


def _main(media: tuple[Media, ...], groups: list[tuple[str, ...]]) -> tuple[tuple[str, ...], Media]:
    """Return the bundle, and the m-line whose transport all others share: the first of the bundle that is enabled and
    of a kind that is taken (RFC 9143 7.3)."""
    usable = [line for line in media if line.enabled and line.kind in ("audio", "video")] or list(media)
    bundle = next((group for group in groups if usable[0].mid in group), ())
    by_mid = {line.mid: line for line in usable}
    return bundle, next((by_mid[mid] for mid in bundle if mid in by_mid), usable[0])


def _first(places: list[Attributes], name: str) -> str:
    for attributes in places:
        if name in attributes:
            return attributes[name][0]
    raise bad(f"a={name} is missing", f"缺少 a={name}")


def _fingerprints(places: list[Attributes]) -> tuple[tuple[str, str], ...]:
    """Return the fingerprints from the first place that has usable ones. A client with several certificates gives those
    of each, and may use any of them (RFC 8122 5.1); of the three functions none is preferred, as all are strong."""
    _first(places, "fingerprint")
    for attributes in places:
        found: dict[tuple[str, str], None] = {}
        for line in attributes.get("fingerprint", []):
            algorithm, _, value = line.replace("\t", " ").partition(" ")
            algorithm, value = algorithm.lower(), value.strip().upper()
            if len(value) == 3 * DIGESTS.get(algorithm, 0) - 1 and _FINGERPRINT.match(value):
                found[algorithm, value] = None
        if found:
            return tuple(found)[:MAX_FINGERPRINTS]
    raise bad(
        "a=fingerprint must be of sha-256, sha-384 or sha-512, as two hexadecimal digits a byte with colons between",
        "a=fingerprint 应为 sha-256、sha-384 或 sha-512，每字节两位十六进制数，以冒号分隔",
    )


def _setup(value: str) -> str:
    if value not in ("actpass", "active", "passive"):
        raise bad("a=setup must be actpass, active or passive", "a=setup 应为 actpass、active 或 passive")
    return value


# --- m-lines ---------------------------------------------------------------------------------------------------------


def _media(lines: list[str], session: Attributes, bundled: set[str]) -> Media:
    fields = lines[0][2:].split()
    if len(fields) < 4 or not _PORT.match(fields[1]):
        raise bad("an m-line is cut off or has no port", "某个媒体行（m=）不完整或没有端口")
    if len(fields) > 3 + MAX_FORMATS:
        raise bad(f"an m-line has more than {MAX_FORMATS} formats", f"某个媒体行的格式超过 {MAX_FORMATS} 个")
    attributes = attributes_of(lines[1:])
    mid = token(attributes["mid"][0]) if "mid" in attributes else ""
    for name in ("extmap", "rtcp-mux"):  # RFC 8285 5 for the first; some clients write the second there, too
        if name in session:
            attributes[name] = [*attributes.get(name, []), *session[name]]
    return Media(
        kind=token(fields[0]),
        protocol=token(fields[2]),
        formats=" ".join(token(name) for name in fields[3:]),
        mid=mid,
        direction=_direction(attributes) or _direction(session) or "sendrecv",
        codecs=_codecs(fields[3:], attributes) if fields[0] in ("audio", "video") else (),
        ssrcs=tuple(dict.fromkeys(_ssrc(value) for value in attributes.get("ssrc", [])[:64])),
        attributes=attributes,
        # RFC 8866 5.14, and RFC 9143 6 for an m-line that is offered as part of the bundle alone
        enabled=int(fields[1].partition("/")[0]) != 0 or ("bundle-only" in attributes and mid in bundled),
    )


def _direction(attributes: Attributes) -> str:
    return next((name for name in attributes if name in DIRECTIONS), "")


def _ssrc(value: str) -> int:
    number = value.split(" ", 1)[0]
    if not _is_number(number, 10) or int(number) >> 32:
        raise bad("an a=ssrc is not a number", "某个 a=ssrc 不是数字")
    return int(number)


def _codecs(payload_types: list[str], attributes: Attributes) -> tuple[Codec, ...]:
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
        parameters = _parameters(formats.get(payload_type, []))
        ways = [*feedback.get("*", [])[:MAX_FEEDBACK], *feedback.get(payload_type, [])[:MAX_FEEDBACK]]
        codecs.append(Codec(int(payload_type), name.lower(), int(clock), parameters, tuple(ways)))
    return tuple(codecs)


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def _by_payload_type(values: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in values:
        payload_type, *rest = value.split() or [""]
        found.setdefault(payload_type, []).append(" ".join(rest))
    return found


def _parameters(texts: list[str]) -> dict[str, str]:
    """Return the parameters of a payload type, which may stand on several lines. Of two of a name the first holds."""
    found: dict[str, str] = {}
    for text in texts:
        for part in text.split(";"):
            name, _, value = part.partition("=")
            name = name.strip().lower()
            if name and name not in found:
                found[name] = value.strip() if name == SPROP else value.strip().lower()
    return found
