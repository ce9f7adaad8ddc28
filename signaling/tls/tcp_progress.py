"""How much of what was sent to a client its system has acknowledged (tcp_info of linux/tcp.h): that grows wherever
anything is read, however slowly."""

import asyncio
import socket

_BYTES_ACKED = slice(120, 128)  # tcpi_bytes_acked in struct tcp_info


def acknowledged(transport: asyncio.Transport | None) -> bytes:
    """Return the count of acknowledged bytes as the system has it, b"" where the connection is gone."""
    if transport is None:
        return b""
    connection = transport.get_extra_info("socket")
    try:
        info: bytes = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return b""
    return info[_BYTES_ACKED]
