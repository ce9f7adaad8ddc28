"""Addresses at which relay workers listen, and those that kiosks are given. They are checked before anything starts: a
candidate that no kiosk can reach would show only as a visit that never connects."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address


def listed(value: object) -> object:
    """Several addresses as one text with commas; any other value as it is."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def check(bound: str, public: Iterable[str]) -> None:
    """Check that ICE candidates follow from these addresses. Raises ValueError that names what is missing.

    `bound` is one address or several with commas between; "::" alone takes IPv4 as well.
    """
    here = [_address("relay_host", one) for one in bound.split(",")]
    published = [_address("relay_public_addresses", one) for one in public]
    if len({str(one) for one in here}) != len(here):
        raise ValueError("relay_host names an address twice")
    if any(one.is_unspecified for one in published):
        raise ValueError("relay_public_addresses: no kiosk can reach a wildcard address")
    if any(one.is_unspecified for one in here) and not published:
        raise ValueError("relay_public_addresses must say how kiosks reach a relay_host that means any address")
    families = {one.version for one in here} | ({4} if bound == "::" else set())
    for address in published:
        if address.version not in families:
            raise ValueError(f"relay_public_addresses: relay_host has no IPv{address.version} address behind {address}")


def unreachable(bound: str, public: Iterable[str]) -> bool:
    """Whether only this machine can reach the relay at the addresses that kiosks are given."""
    addresses = list(public) or bound.split(",")
    return all(_address("relay_host", one).is_loopback for one in addresses)


def _address(name: str, text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not an IP address") from None
