"""What an attacker knows of the service, and what it counts."""

import asyncio
import random
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

Worker = Callable[[], Awaitable[None]]
PLACE = re.compile(r"\{(\w+)(?: ([\w -]+))?\}")
NOT_OURS = {0, 1, 77}  # second bytes of loopback addresses that kiosks and officers have


class Target:
    """The service as the attacker sees it: addresses, sessions, and the secrets of those whom it pretends to be."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.http: tuple[str, int] = tuple(config["http"])
        self.relay: tuple[str, int] = tuple(config["relay"])
        self.tls: tuple[str, int] = tuple(config["tls"])
        self.counts: Counter[str] = Counter()
        self._config = config

    @property
    def url(self) -> str:
        """The base URL of the service."""
        return f"http://{self.http[0]}:{self.http[1]}"

    def place(self, name: str) -> tuple[str, int]:
        """Return host and port of the pages in plain ("http"), of the pages behind TLS ("tls") or of a "relay"."""
        return {"http": self.http, "relay": self.relay, "tls": self.tls}[name]

    def count(self, what: str, number: int = 1) -> None:
        """Count something that was done to the service, or that it answered."""
        self.counts[what] += number

    def address(self, network: str = "") -> str:
        """Return an address of loopback to come from: one of many thousand, or one of `network` (three bytes)."""
        if network:
            return f"{network}.{random.randrange(1, 255)}"
        second = random.choice([number for number in range(2, 255) if number not in NOT_OURS])
        return f"127.{second}.{random.randrange(256)}.{random.randrange(1, 255)}"

    def filled(self, text: str) -> str:
        """Return a text with its places filled: `{r}` a new random word, `{session visit}` a session's id,
        `{terminal attack prison}` and `{user ID}` tokens, `{key attacker}` a key, `{film}` an archived session."""
        return PLACE.sub(lambda found: self._value(found[1], found[2] or ""), text) if "{" in text else text

    def _value(self, kind: str, name: str) -> str:
        people = self._config["people"]
        match kind:
            case "r":
                return secrets.token_hex(8)
            case "n":
                return str(random.randrange(1 << 30))
            case "session":
                return str(self._config["sessions"][name])
            case "terminal":
                return str(people["terminals"][name])
            case "user":
                return str(self._config["tokens"][name])
            case "key":
                return str(people["keys"][name])
            case "film":
                return str(self._config["archived"])
        return "{" + kind + (f" {name}" if name else "") + "}"  # JSON's own braces


class Pace:
    """A rate that several workers keep together; without one they go as fast as they can."""

    def __init__(self, rate: float | None) -> None:
        self._every = 1 / rate if rate else 0.0
        self._next = 0.0

    def wait(self) -> float:
        """Take the next turn; return the seconds until it."""
        if not self._every:
            return 0.0
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - 0.1) + self._every
        return max(0.0, self._next - now)

    async def turn(self) -> None:
        """Wait for the next turn; always lets others run, too."""
        await asyncio.sleep(self.wait())
