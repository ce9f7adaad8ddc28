"""A row of the table of attacks: a name, an attacker with its arguments, and what it may cost.

`attack` is a module and coroutine below `attackers/`. Limits hold for all beside the attack, unless a row says
otherwise. The rows that `make test` runs, too, are `brief`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The promises to those who do not attack: seconds, bytes, entries. `new_device` is a sign-in at an unknown one."""

    gap: float = 0.3
    sign_in: float = 3.0
    new_device: float = 3.0
    join: float = 3.0
    memory: int = 64 * MIB  # growth of any process
    log: int = 64 * 1024
    entries: int = 200  # in the journal, which keeps them for ever


@dataclass(frozen=True, slots=True)
class Row:
    """One class of attack, and its limits. `needs` is "film" where a recording must be archived before."""

    name: str
    zh: str
    attack: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    brief: bool = False
    needs: str = ""


HASHING = Limits(memory=320 * MIB)  # four password hashes at a time take 64 MiB each
JSON = {"Content-Type": "application/json"}
SDP = {"Content-Type": "application/sdp"}
OFFER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + "a=x:" + 2000 * "y" + "\r\n"


def asks(name: str, zh: str, method: str, path: str, brief: bool = False, **more: Any) -> Row:
    """Return a row of requests in a closed loop on 200 connections, unless `more` says otherwise."""
    limits, needs = more.pop("limits", Limits()), more.pop("needs", "")
    arguments = {"method": method, "path": path, "connections": 200, **more}
    return Row(name, zh, "http.requests", arguments, limits, brief, needs)


def holds(name: str, zh: str, brief: bool = False, **arguments: Any) -> Row:
    """Return a row of connections that are held open."""
    return Row(name, zh, "slow.hold", arguments, brief=brief)


def datagrams(name: str, zh: str, brief: bool = False, **arguments: Any) -> Row:
    """Return a row of datagrams at the relay's port."""
    return Row(name, zh, "udp.datagrams", arguments, brief=brief)
