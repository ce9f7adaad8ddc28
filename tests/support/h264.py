"""H.264 units rewritten bit by bit, for publishers that number their parameter sets otherwise than encoders of tests
do. It shares no code with what is under test."""

import re


def bits_of(nal: bytes) -> str:
    """Return the bits of a unit behind its first byte, without emulation prevention and without the closing bits."""
    return "".join(f"{byte:08b}" for byte in nal[1:].replace(b"\0\0\3", b"\0\0")).rstrip("0")[:-1]


def unit(first: int, bits: str) -> bytes:
    """Return the unit that `bits_of` has taken apart."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8)
    return bytes((first,)) + re.sub(rb"\x00\x00([\x00-\x03])", lambda match: b"\0\0\3" + match.group(1), raw)


def ue(value: int) -> str:
    """Return an unsigned Exp-Golomb code (H.264 9.1)."""
    return f"{value + 1:b}".zfill(2 * (value + 1).bit_length() - 1)


def read_ue(bits: str, at: int) -> tuple[int, int]:
    """Return the code at a bit, and where the next one begins."""
    zeros = bits.index("1", at) - at
    return int(bits[at + zeros : at + 2 * zeros + 1], 2) - 1, at + 2 * zeros + 1


def numbered_pps(pps: bytes, id: int, sequence: int = 0) -> bytes:
    """Return a picture parameter set under another id, for another sequence parameter set."""
    bits = bits_of(pps)
    _, at = read_ue(bits, 0)
    _, at = read_ue(bits, at)
    return unit(pps[0], ue(id) + ue(sequence) + bits[at:])


def numbered_sps(sps: bytes, id: int) -> bytes:
    """Return a sequence parameter set under another id."""
    bits = bits_of(sps)
    _, at = read_ue(bits, 24)
    return unit(sps[0], bits[:24] + ue(id) + bits[at:])


def numbered_slice(nal: bytes, pps: int) -> bytes:
    """Return a slice that names another picture parameter set (CAVLC only)."""
    bits = bits_of(nal)
    _, at = read_ue(bits, 0)
    _, at = read_ue(bits, at)
    _, rest = read_ue(bits, at)
    return unit(nal[0], bits[:at] + ue(pps) + bits[rest:])


def numbered(nals: tuple[bytes, ...], pps: int, sps: int) -> tuple[bytes, ...]:
    """Return a picture whose sets have other ids."""
    found: list[bytes] = []
    for nal in nals:
        kind = nal[0] & 31
        if kind == 7:
            found.append(numbered_sps(nal, sps))
        elif kind == 8:
            found.append(numbered_pps(nal, pps, sps))
        else:
            found.append(numbered_slice(nal, pps) if kind in (1, 5) else nal)
    return tuple(found)
