"""The first request of a connection, read from its bytes as far as admission needs it (RFC 9112), pure. The application
that answers parses the same bytes again by itself: what is read here decides only where they go and who pays."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from broker.kernel.errors import BadRequest, TooLarge, VisitError

MAX_HEAD = 16 * 1024
"""Bytes of a request line and its headers together."""
MAX_BODY = 16 * 1024
"""Bytes of a body that is read from an unknown sender: that of a sign-in has a few hundred."""
MAX_CHUNKS = 256
"""Chunks of such a body. Each is looked at in Python: bodies of one-byte chunks without an end took half a core, and an
officer signed in after 3.8 s beside them."""
MAX_LINE = 8190  # of one line, as the application has it
MAX_HEADERS = 100

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}) ([\x21-\x7e]+) HTTP/1\.([01])")
_HEADER = re.compile(rb"(" + _TOKEN + rb"+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_BEGINNING = re.compile(rb"[A-Za-z]" + _TOKEN + rb"{0,31}( [\x21-\x7e]*( (H(T(T(P(/(1(\.([01]\r?)?)?)?)?)?)?)?)?)?)?")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,256})?\r\n")
_LENGTH = re.compile(r"\d{1,12}", re.ASCII)
_SINGLE = frozenset({"host", "content-length", "authorization"})
"""Headers that a request has once: of two different values each reader might believe another one."""


class MalformedRequest(BadRequest):
    """The bytes are not an HTTP/1 request."""


class HeadTooLarge(VisitError):
    """The request line and headers are over their limit (RFC 6585)."""

    code, http_status, close_code = "headers_too_large", 431, 4000
    title_zh, title_en = "请求头过大", "The request's headers are too large"


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Request line and headers of a request. Names of headers are in small letters, `size` is the number of bytes up to
    the body."""

    method: str
    target: str
    minor: int
    headers: tuple[tuple[str, str], ...]
    size: int

    def values(self, name: str) -> list[str]:
        """Return the values of all headers with this name, in order."""
        return [value for header, value in self.headers if header == name]

    def value(self, name: str) -> str:
        """Return the first value of a header, "" where it is absent."""
        return next((value for header, value in self.headers if header == name), "")

    @property
    def path(self) -> str:
        """The path that is asked for, decoded, without the query; that of an absolute target (RFC 9112, 3.2.2), too."""
        if self.target.startswith("/"):
            return unquote(self.target.partition("?")[0].partition("#")[0])
        try:
            return unquote(urlsplit(self.target).path) or "/"
        except ValueError:
            return "/"

    @property
    def upgrades(self) -> bool:
        """Whether a WebSocket is asked for (RFC 6455, 4.2.1)."""
        connection = {token.strip().lower() for value in self.values("connection") for token in value.split(",")}
        return self.method == "GET" and self.value("upgrade").lower() == "websocket" and "upgrade" in connection

    def tokens(self, cookies: frozenset[str]) -> list[str]:
        """Return the credentials that are sent, as bearer token or in one of the `cookies`; the former first."""
        found = []
        scheme, _, token = self.value("authorization").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            found.append(token.strip())
        for pair in (pair for value in self.values("cookie") for pair in value.split(";")):
            name, _, value = pair.partition("=")
            if name.strip() in cookies and value.strip():
                found.append(value.strip().strip('"'))
        return found

    @property
    def has_body(self) -> bool:
        """Whether the headers announce a body."""
        return bool(self.values("transfer-encoding")) or self.value("content-length") not in ("", "0")


def parse_head(data: bytes) -> RequestHead | None:
    """Return the head with which `data` begins, None while it is incomplete. Raises MalformedRequest as soon as it
    cannot become one, and HeadTooLarge."""
    start = _skip_blank_lines(data)
    end = data.find(b"\r\n\r\n", start)
    if end < 0:
        _check_beginning(data, start)
        return None
    if end + 4 - start > MAX_HEAD:
        raise HeadTooLarge()
    line, *lines = data[start:end].split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(line)
    if request is None:
        raise MalformedRequest()
    if len(lines) > MAX_HEADERS or any(len(each) > MAX_LINE for each in (line, *lines)):
        raise HeadTooLarge()
    headers = tuple(map(_header, lines))
    _check_single(headers)
    named = any(name == "host" for name, _ in headers)
    if (request[3] == b"1" and not named) or (request[2] == b"*" and request[1] != b"OPTIONS"):
        raise MalformedRequest()
    return RequestHead(request[1].decode(), request[2].decode(), int(request[3]), headers, end + 4)


def end_of_body(head: RequestHead, data: bytes) -> int | None:
    """Return where the body after `head` ends in `data`, None while it is incomplete.

    Raises TooLarge for more than MAX_BODY bytes or MAX_CHUNKS chunks, MalformedRequest for a length or an encoding that
    cannot be.
    """
    codings, length = head.values("transfer-encoding"), head.value("content-length")
    if codings:
        if length or [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise MalformedRequest()
        return _end_of_chunks(data, head.size)
    if not length:
        return head.size
    if not _LENGTH.fullmatch(length):
        raise MalformedRequest()
    if int(length) > MAX_BODY:
        raise TooLarge()
    end = head.size + int(length)
    return end if len(data) >= end else None


def _end_of_chunks(data: bytes, place: int) -> int | None:
    begin = place
    for _ in range(MAX_CHUNKS):
        if place - begin > MAX_BODY:
            raise TooLarge()
        chunk = _CHUNK.match(data, place)
        if chunk is None:
            if data.find(b"\r\n", place) >= 0 or len(data) - place > 300:
                raise MalformedRequest()
            return None
        size = int(chunk[1], 16)
        if size > MAX_BODY:
            raise TooLarge()
        if size == 0:
            return _end_of_trailers(data, chunk.end())
        place = chunk.end() + size
        if len(data) < place + 2:
            return None
        if data[place : place + 2] != b"\r\n":
            raise MalformedRequest()
        place += 2
    raise TooLarge()


def _end_of_trailers(data: bytes, place: int) -> int | None:
    if data[place : place + 2] == b"\r\n":
        return place + 2
    end = data.find(b"\r\n\r\n", place)
    if end < 0:
        if len(data) - place > MAX_HEAD:
            raise TooLarge()
        return None
    for line in data[place:end].split(b"\r\n"):
        _header(line)
    return end + 4


def _skip_blank_lines(data: bytes) -> int:
    """Return where the request line begins: an empty line before it does not count (RFC 9112, 2.2)."""
    start = 0
    while data.startswith(b"\r\n", start) and start < 8:
        start += 2
    return start


def _check_beginning(data: bytes, start: int) -> None:
    """Check that more bytes may still make a head of this. Raises MalformedRequest or HeadTooLarge."""
    if len(data) - start > MAX_HEAD:
        raise HeadTooLarge()
    line, ended, _ = data[start : start + MAX_LINE + 2].partition(b"\r\n")
    if ended:
        if _REQUEST_LINE.fullmatch(line) is None:
            raise MalformedRequest()
    elif line not in (b"", b"\r") and _BEGINNING.fullmatch(line) is None:
        raise MalformedRequest()


def _header(line: bytes) -> tuple[str, str]:
    match = _HEADER.fullmatch(line)
    if match is None:
        raise MalformedRequest()
    return match[1].decode().lower(), match[2].decode("utf-8", "surrogateescape").rstrip(" \t")


def _check_single(headers: tuple[tuple[str, str], ...]) -> None:
    seen: dict[str, str] = {}
    for name, value in headers:
        if name in _SINGLE and seen.setdefault(name, value) != value:
            raise MalformedRequest()
