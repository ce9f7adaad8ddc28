"""libsrtp's functions and the buffers they work on, as the hot loop uses them: packets are protected and unprotected in
place, through the binding inside pylibsrtp, whose own methods copy each packet. pylibsrtp is pinned for that reason;
`tests/broker/relay/transport/test_dtls.py` fails first when its binding changes."""

from collections.abc import Callable
from typing import Any

from pylibsrtp._binding import ffi, lib

PACKET_SIZE = 2048  # bytes of a buffer: a packet of any usual network, and what SRTP adds to it
unprotect: Callable[..., int] = lib.srtp_unprotect
unprotect_rtcp: Callable[..., int] = lib.srtp_unprotect_rtcp
protect: Callable[..., int] = lib.srtp_protect
copy: Callable[..., None] = ffi.memmove


def new_buffer() -> tuple[Any, memoryview]:
    """Return a packet buffer in two forms: as libsrtp takes it, and as Python reads and writes it."""
    raw = ffi.new("char[]", PACKET_SIZE)
    return raw, memoryview(ffi.buffer(raw)).cast("B")


def new_length() -> Any:
    """Return an in-out length as libsrtp's functions take it."""
    return ffi.new("int *")
