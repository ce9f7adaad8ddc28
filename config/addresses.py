"""Where relay workers listen and what kiosks are told, checked before anything starts: a candidate that nobody can
reach would show only as a visit that never connects."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address


def listed(given: object) -> object:
    """Several addresses as one text with commas; anything else as it is."""
    return ",".join(map(str, given)) if isinstance(given, list | tuple) else given


def check(bound: str, public: Iterable[str]) -> None:
    """Whether candidates follow from these. Raises ValueError saying what is missing.

    `bound` is one address or several with commas between; "::" alone takes IPv4 as well.
    """
    here = [_address("relay_host", one) for one in bound.split(",")]
    told = [_address("relay_public_addresses", one) for one in public]
    if len({str(one) for one in here}) != len(here):
        raise ValueError("relay_host names an address twice")
    if any(one.is_unspecified for one in told):
        raise ValueError("relay_public_addresses: nobody can reach a wildcard address")
    if any(one.is_unspecified for one in here) and not told:
        raise ValueError("relay_public_addresses must say how kiosks reach a relay_host that means any address")
    families = {one.version for one in here} | ({4} if bound == "::" else set())
    for one in told:
        if one.version not in families:
            raise ValueError(f"relay_public_addresses: relay_host has no IPv{one.version} address behind {one}")


def unreachable(bound: str, public: Iterable[str]) -> bool:
    """Whether only this machine can reach the relay at what is told."""
    told = list(public) or bound.split(",")
    return all(_address("relay_host", one).is_loopback for one in told)


def _address(name: str, text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not an IP address") from None
