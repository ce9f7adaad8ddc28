"""How much RTCP one client may send, pure: a client alone chooses how long the lists in its reports are, and each entry
costs time that forwarding needs. What is over the budget is dropped, so that only this client's feedback suffers.

Only authentic packets use the budget up, so that forged ones cannot empty it. While it is used up, what
comes from the client is dropped before it is decrypted."""

SECOND = 1.0  # seconds of a window, after which the budget is whole again
DATAGRAMS = 200  # in a window; a browser sends twenty reports, and on a bad line a NACK every ten milliseconds
OCTETS = 128 * 1024  # in a window; reports on 500 packets a second, named twice, are 8 kB
ENTRIES = 6000  # looked at in a window: packets named by feedback, NACKed numbers, report blocks, packets of a compound
SENDER_REPORTS = 16  # in a window: each goes on to every destination; four encodings and sound report twice a second
MAX_PACKETS = 40  # of a compound: SR, SDES, and a few reports and requests of each of four streams


class RtcpBudget:
    """What one client has sent in the present window."""

    __slots__ = ("_datagrams", "_entries", "_octets", "_sender_reports", "_until", "empty_until")

    def __init__(self) -> None:
        self._datagrams = self._octets = self._entries = self._sender_reports = 0
        self._until = 0.0
        self.empty_until = 0.0
        """Until when (monotonic s) whatever the client sends is to be dropped unread."""

    def take_datagram(self, size: int, now: float) -> bool:
        """Whether an authentic datagram of `size` bytes may be read now; it counts as read."""
        if now >= self._until:
            self._until = now + SECOND
            self._datagrams = self._octets = self._entries = self._sender_reports = 0
        self._datagrams += 1
        self._octets += size
        if self._datagrams > DATAGRAMS or self._octets > OCTETS:
            self.empty_until = self._until
            return False
        return True

    def take_entries(self, count: int) -> bool:
        """Whether `count` entries more of a list may be looked at; they count as looked at. Where they are too many, no
        other is looked at in this window either."""
        self._entries += count
        if self._entries > ENTRIES:
            self.empty_until = self._until
            return False
        return True

    def take_sender_report(self) -> bool:
        """Whether one sender report more may be passed on."""
        self._sender_reports += 1
        return self._sender_reports <= SENDER_REPORTS
