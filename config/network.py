"""Network of an installation: the addresses at which relay workers listen, those that kiosks are given, and the TURN
server (coturn) for sites whose networks cannot reach the relay directly. All are checked before anything starts: a
candidate that no kiosk can reach would show only as a visit that never connects."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

# --- addresses of the relay ---------------------------------------------------------------------------------------


def listed(value: object) -> object:
    """Several addresses as one text with commas; any other value as it is."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def check_addresses(bound: str, public: Iterable[str]) -> None:
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


# --- the TURN server ----------------------------------------------------------------------------------------------

_URL = re.compile(
    r"^turns?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?\Z"
)  # RFC 7065


def check_turn(urls: Iterable[str], secret_file: Path | None) -> None:
    """Check that both are set, or neither. Raises ValueError that names what is wrong."""
    urls = tuple(urls)
    for url in urls:
        if not _URL.match(url):
            raise ValueError(f"turn_urls: {url!r} is no TURN address such as turn:turn.example:3478?transport=tcp")
    if bool(urls) != bool(secret_file):
        raise ValueError("turn_urls and turn_secret_file belong together")


def read_secret(file: Path) -> bytes:
    """Return the `static-auth-secret` of coturn. Raises ValueError, which never quotes it, where it is not usable."""
    try:
        if file.stat().st_mode & 0o007:
            raise ValueError(f"turn_secret_file {file} is open to other users: chmod o= it")
        secret = file.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"turn_secret_file {file}: {error.strerror}") from error
    if not 16 <= len(secret) <= 1024:
        raise ValueError(f"turn_secret_file {file} should hold 16 bytes or more")
    return secret
