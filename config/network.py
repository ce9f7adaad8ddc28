"""Network of an installation: the addresses at which relay workers listen, those that kiosks are given, and the TURN
server (coturn) for sites whose networks cannot reach the relay directly. All are checked before anything starts: a
candidate that no kiosk can reach would show only as a visit that never connects."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from config import private_files

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


# --- the server, for its clients ----------------------------------------------------------------------------------


class NoServer(ValueError):
    """Error of a server's address to which no token may be sent; the text says what to do."""

    for_operators = True


def server_url(text: str) -> str:
    """Return the base URL of a server without its last slash. Raises NoServer.

    Over plain HTTP each machine in between reads the token, and may be the server. So it must be this machine itself:
    an address of loopback or `localhost`, in their usual spelling, because resolvers read others in ways of their own.
    """
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise NoServer("the server's address cannot be read. 无法读取服务器地址。") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NoServer("give the server as https://… 请以 https://… 写明服务器地址。")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise NoServer("give the server's name alone, without user or query. 服务器地址中不得有用户名或查询参数。")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise NoServer(
            "a token is never sent over plain http to another machine: use https://. "
            "令牌不得以明文 http 发往其他机器：请改用 https://。"
        )
    return text.strip().rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- TLS ----------------------------------------------------------------------------------------------------------


def check_tls(certificate: Path | None, key: Path | None, redirect_port: int, port: int, local_port: int) -> None:
    """Check that the settings of TLS fit together. Raises ValueError that names what is wrong."""
    if (certificate is None) != (key is None):
        raise ValueError("tls_certificate and tls_key belong together: set both or none. 证书与私钥须同时设置")
    if certificate is None and (redirect_port or local_port):
        raise ValueError("http_redirect_port and local_port are for a service with tls_certificate. 须先设置证书")
    if redirect_port and not port:
        raise ValueError("http_redirect_port leads to http_port, which must be set. 须先设置 http_port")
    ports = [number for number in (redirect_port, port, local_port) if number]
    if len(set(ports)) != len(ports):
        raise ValueError("http_port, http_redirect_port and local_port must differ. 三个端口不得相同")


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
        secret = private_files.read(file, closed_to=private_files.OTHERS).strip()  # coturn's group may read it, too
    except private_files.NotPrivate as error:
        raise ValueError(f"turn_secret_file: {error}") from error
    except OSError as error:
        raise ValueError(f"turn_secret_file {file}: {error.strerror}") from error
    if not 16 <= len(secret) <= 1024:
        raise ValueError(f"turn_secret_file {file} should hold 16 bytes or more")
    return secret


# --- where copies of the journal's checkpoints go -------------------------------------------------------------------

SYSLOG_PORTS = {"udp": 514, "tcp": 601}  # RFC 5426, RFC 3195


class CopyPlace(NamedTuple):
    """A place for copies: a file, or a syslog server by a unix socket, UDP or TCP."""

    kind: str  # file, unix, udp, tcp
    path: str = ""
    host: str = ""
    port: int = 0


def copy_place(text: str) -> CopyPlace:
    """Return the place that a setting names. Raises ValueError with what it may be."""
    if text.startswith("/"):
        return CopyPlace("file", text)
    try:
        parts = urlsplit(text)
        kind, host, port = parts.scheme.removeprefix("syslog+"), parts.hostname or "", parts.port
    except ValueError:
        kind, host, port = "", "", None
    if text.startswith("syslog+"):
        if kind == "unix" and not host and parts.path.startswith("/"):
            return CopyPlace("unix", parts.path)
        if kind in SYSLOG_PORTS and host and parts.path in ("", "/"):
            return CopyPlace(kind, host=host, port=port or SYSLOG_PORTS[kind])
    raise ValueError(
        f"journal_copies: {text!r} is neither the absolute path of a file nor syslog+unix:///dev/log, "
        "syslog+udp://host:514 or syslog+tcp://host:601"
    )
