"""The candidate lines of an answer (RFC 8839 5.1; RFC 6544 4.5 for TCP), pure. Every address of a worker is a host
candidate: who is behind a translating firewall is told the address outside of it."""

from collections.abc import Iterator

UDP_HOST, TCP_HOST = 126, 90  # type preferences (RFC 8445 5.1.2.2): TCP is for networks that drop UDP
PASSIVE = 4  # direction preference of a passive TCP host candidate (RFC 6544 4.2)


def lines(addresses: tuple[tuple[str, int], ...]) -> Iterator[str]:
    """One line an address, those configured first preferred; once more for TCP; and that these are all."""
    for index, (host, port) in enumerate(addresses):
        priority = _priority(UDP_HOST, 0xFFFF - index)
        yield f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host"
    for index, (host, port) in enumerate(addresses):
        priority = _priority(TCP_HOST, (PASSIVE << 13) + 0x1FFF - index)
        yield f"a=candidate:{len(addresses) + index + 1} 1 tcp {priority} {host} {port} typ host tcptype passive"
    yield "a=end-of-candidates"


def _priority(kind: int, local: int) -> int:
    """RFC 8445 5.1.2.1, component 1."""
    return kind << 24 | local << 8 | 255
