"""The number of records in a stream of TLS (RFC 8446, 5.1), by their headers alone. Each record costs the process that
decrypts it, however little it says. Pure."""

HEADER = 5  # bytes: the type of a record, a version, and its length in the last two


class RecordCount:
    """Counts along a stream that begins with a record."""

    def __init__(self) -> None:
        self._header = b""
        self._left = 0  # bytes of the present record, once its header is whole

    def take(self, data: memoryview) -> int:
        """Return how many records end in the next bytes of the stream."""
        ended, at = 0, 0
        while at < len(data):
            at += self._skip(data[at:])
            if len(self._header) == HEADER and not self._left:
                ended, self._header = ended + 1, b""
        return ended

    def _skip(self, data: memoryview) -> int:
        """Go on in the present record, and return by how many bytes."""
        missing = HEADER - len(self._header)
        if not missing:
            passed = min(self._left, len(data))
            self._left -= passed
            return passed
        self._header += data[:missing]
        if len(self._header) == HEADER:
            self._left = int.from_bytes(self._header[3:], "big")
        return min(missing, len(data))
