"""A reader of bit fields, as H.264 writes its headers (ITU-T H.264 7.2 and 9.1)."""


class Bits:
    """The bits of some bytes, read from the front. Every method raises IndexError at the end."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), len(data) * 8  # of what is not read yet

    def take(self, count: int) -> int:
        """Read an unsigned number of `count` bits."""
        left = self._left - count
        if left < 0:
            raise IndexError("out of bits")
        found = self._value >> left
        self._left, self._value = left, self._value ^ (found << left)
        return found

    def flag(self) -> int:
        """Read a number of one bit."""
        return self.take(1)

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb code."""
        value, left = self._value, self._left
        zeros = left - value.bit_length()
        left -= 2 * zeros + 1
        if zeros > 31:
            raise IndexError("an Exp-Golomb code longer than 32 bits")
        if left < 0:
            raise IndexError("out of bits")
        found = value >> left
        self._left, self._value = left, value ^ (found << left)
        return found - 1

    def ues(self, count: int) -> list[int]:
        """Read `count` unsigned Exp-Golomb codes, in one call because every slice of every picture is read."""
        value, left, found = self._value, self._left, []
        for _ in range(count):
            zeros = left - value.bit_length()
            left -= 2 * zeros + 1
            if left < 0 or zeros > 31:
                raise IndexError("out of bits, or an Exp-Golomb code longer than 32 bits")
            code = value >> left
            value ^= code << left
            found.append(code - 1)
        self._left, self._value = left, value
        return found

    def se(self) -> int:
        """Read a signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def unescaped(data: bytes) -> bytes:
    """Return the bytes of a NAL unit without its emulation prevention bytes (H.264 7.4.1)."""
    return data.replace(b"\0\0\3", b"\0\0")
