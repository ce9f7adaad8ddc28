"""How many TCP connections a worker takes, and which of them goes when there are too many, pure. Opening one costs a
stranger nothing: where too many are unproven the oldest goes, of the network that has the most, so that who connects
next gets a place. Proven connections never go for a stranger."""

from collections import Counter
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Generic, Protocol, TypeVar

MAX_CONNECTIONS, MAX_OF_ONE_HOST = 500, 64  # a site behind one address has a few officers with many pictures each
MAX_UNPROVEN, MAX_UNPROVEN_OF_ONE_HOST = 100, 16


class Counted(Protocol):
    """A connection as it is counted."""

    @property
    def host(self) -> str:
        """The address of its other end."""
        ...

    @property
    def proven(self) -> bool:
        """Whether a client has proven it with a check."""
        ...


C = TypeVar("C", bound=Counted)


class Places(Generic[C]):
    """The open connections, the oldest first."""

    def __init__(self) -> None:
        self._networks: dict[C, str] = {}
        self._hosts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._networks)

    def all(self) -> list[C]:
        """Return all connections, the oldest first."""
        return list(self._networks)

    def enter(self, new: C) -> tuple[bool, C | None]:
        """Enter a new connection, if there is a place. Return whether there was, and the connection that has to go
        for it, if any."""
        unproven = [connection for connection in self._networks if not connection.proven]
        of_host = [connection for connection in unproven if connection.host == new.host]
        if len(of_host) >= MAX_UNPROVEN_OF_ONE_HOST or (self._hosts[new.host] >= MAX_OF_ONE_HOST and of_host):
            oldest: C | None = of_host[0]
        elif self._hosts[new.host] >= MAX_OF_ONE_HOST:
            return False, None
        elif len(unproven) >= MAX_UNPROVEN or (len(self) >= MAX_CONNECTIONS and unproven):
            oldest = self._oldest(unproven)
        elif len(self) >= MAX_CONNECTIONS:
            return False, None
        else:
            oldest = None
        self._networks[new] = network(new.host)
        self._hosts[new.host] += 1
        return True, oldest

    def _oldest(self, unproven: list[C]) -> C:
        """Return the oldest of the unproven connections of the network that has the most of them."""
        counts = Counter(self._networks[connection] for connection in unproven)
        most = max(counts.values())
        return next(connection for connection in unproven if counts[self._networks[connection]] == most)

    def leave(self, connection: C) -> None:
        """Forget a connection that was closed. Forgetting it again does nothing."""
        if self._networks.pop(connection, None) is not None:
            self._hosts[connection.host] -= 1
            if not self._hosts[connection.host]:
                del self._hosts[connection.host]


def network(host: str) -> str:
    """Return the network of an address, as a provider gives it to one customer: /24 of IPv4, /64 of IPv6."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return f"{address.version}:{address.packed[: 3 if address.version == 4 else 8].hex()}"
