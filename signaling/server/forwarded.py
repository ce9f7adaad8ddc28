"""The members of X-Forwarded-For and Forwarded (RFC 7239), read as proxies really write them: with ports, brackets,
zones, quotes, empty members, and words in the place of an address. Pure."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, ip_address

MAX_HOPS = 8  # read from the nearest one on; the rest may be forged by the client
_BRACKETS = re.compile(r"\[([^\]]*)\](?::[0-9A-Za-z._-]*)?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9A-Za-z._-]*")
_HIDDEN = re.compile(r"_[A-Za-z0-9._-]{1,63}(?=:|$)")
_PAIR = re.compile(r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*([;,]|$)')


def hops(forwarded_for: Iterable[str], forwarded: Iterable[str] = ()) -> list[str]:
    """Return the clients that proxies name, the nearest last, at most MAX_HOPS. Empty members do not count (RFC 9110,
    section 5.6.1).

    `forwarded_for` and `forwarded`: the values of X-Forwarded-For and of Forwarded. The latter is read only where the
    former is absent: most proxies write X-Forwarded-For, and pass on whatever a client puts into Forwarded.
    """
    listed = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    named = [hop for hop in listed if hop]
    if not named:
        named = members(forwarded, "for")
    return named[-MAX_HOPS:]


def plain_address(text: str) -> str | None:
    """Return an address in its usual spelling, None where `text` is no address.

    A port, brackets and a zone are left out; an IPv4 address inside IPv6 is the IPv4 address: a client that is spelled
    in two ways is one client, and its next connection comes from another port.
    """
    bare = text.strip().strip('"').strip()
    match = _BRACKETS.fullmatch(bare) or _WITH_PORT.fullmatch(bare)
    try:
        parsed = ip_address((match[1] if match else bare).partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def hidden_name(text: str) -> str | None:
    """Return the name that a proxy has made up for a client (RFC 7239, section 6.3: `_gazonk`), None for other words,
    such as `unknown`, which tell no client from another."""
    match = _HIDDEN.match(text.strip().strip('"').strip())
    return match[0] if match else None


def members(forwarded: Iterable[str], name: str) -> list[str]:
    """Return the values of one parameter of Forwarded, `for`, `proto` or `host`, one a hop that has it, in order.
    Nothing is read after the first fault of a value."""
    return [hop[name] for value in forwarded for hop in _hops(value) if hop.get(name)]


def _hops(value: str) -> Iterator[dict[str, str]]:
    place, hop = 0, dict[str, str]()
    while place < len(value):
        pair = _PAIR.match(value, place)
        if pair is None:
            return
        hop[pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2].strip('"'))
        if pair[3] != ";":
            yield hop
            hop = {}
        place = pair.end()
