"""One accepted connection, and its refusal where no application is needed for that: a problem document as bytes, sent
as far as the socket takes it at once, and the end of the connection. This is what a flood is answered with, so that it
is made once for each kind and kept."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from broker.kernel.errors import VisitError
from signaling.ingress.request_head import RequestHead
from signaling.server import errors
from signaling.server.pages import HEADERS

_READ_AT_END = 64 * 1024  # bytes that may lie unread: closed over them, the system would withdraw the answer, too


_numbers = count()


@dataclass(slots=True, eq=False)
class Incoming:
    """One accepted connection, until it is handed over, served or closed. `peer` is the address of its other end.
    `secure`: TLS was taken off it."""

    socket: socket.socket
    peer: str
    arrived: float
    data: bytearray = field(default_factory=bytearray)
    head: RequestHead | None = None
    headed: float = 0.0
    reads: int = 0
    number: int = field(default_factory=lambda: next(_numbers))
    secure: bool = False

    @property
    def request(self) -> RequestHead:
        """The head of a request that is complete."""
        assert self.head is not None
        return self.head

    def is_gone(self) -> bool:
        """Whether the sender has reset the connection. One that says nothing more may still read."""
        try:
            self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        return False

    def refuse(self, error: VisitError, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a refusal, which has some more `headers`, and close."""
        refuse(self.socket, error, self.head is not None and self.head.method == "HEAD", headers)


_KEPT = 256
_answers: dict[tuple[type[VisitError], str, int | None, bool], bytes] = {}


def raw_answer(error: VisitError, head_only: bool = False) -> bytes:
    """Return the whole HTTP answer of a refusal, which ends the connection."""
    kind = (type(error), error.detail_en, error.extra.get("retry_after"), head_only)
    encoded = _answers.get(kind)
    if encoded is None:
        if len(_answers) >= _KEPT:
            _answers.clear()
        encoded = _answers[kind] = _encoded(error, head_only)
    return encoded


def _encoded(error: VisitError, head_only: bool, more: Mapping[str, str] | None = None) -> bytes:
    answer = errors.response(error)
    body = answer.body if isinstance(answer.body, bytes) else b""
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**HEADERS, **answer.headers, **(more or {})}.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if head_only else body)


def refuse(
    connection: socket.socket, error: VisitError, head_only: bool = False, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with a refusal and close. Never blocks; a sender that does not read gets what fits its window."""
    with suppress(OSError):
        connection.send(_encoded(error, head_only, headers) if headers else raw_answer(error, head_only))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(_READ_AT_END)
    connection.close()
