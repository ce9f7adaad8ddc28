"""Range and conditional requests for a file (RFC 9110, 13 and 14), pure: which bytes a request asks for, if any."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from broker.kernel.errors import VisitError
from signaling.server.errors import PreconditionFailed

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)  # names of units have no case (14.1)


class RangeNotSatisfiable(VisitError):
    """The requested part lies behind the end of the file; `size` is that of the whole."""

    code, http_status, close_code = "range_not_satisfiable", 416, 4000
    title_zh, title_en = "请求范围无效", "The range cannot be satisfied"


@dataclass(frozen=True, slots=True)
class Part:
    """What to answer: 200 with the whole, 206 with a part, 304 with nothing."""

    status: int
    start: int
    count: int
    size: int

    def headers(self, etag: str) -> dict[str, str]:
        """The headers of the answer."""
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        if self.status == 206:
            headers["Content-Range"] = f"bytes {self.start}-{self.start + self.count - 1}/{self.size}"
        return headers


def part_of(headers: Mapping[str, str], etag: str, size: int, method: str = "GET") -> Part:
    """Return the part that a request with these headers gets of a file of `size` bytes with the strong, quoted tag
    `etag`.

    A Range that makes no sense, or has several parts, is ignored, as the RFC allows: the whole is sent. So is one
    whose If-Range names another file, and each of a method that is not GET (14.2). Raises RangeNotSatisfiable,
    PreconditionFailed (If-Match names other files).
    """
    whole = Part(200, 0, size, size)
    wanted = headers.get("If-Match")
    if wanted is not None and not {"*", etag} & {tag.strip() for tag in wanted.split(",")}:
        raise PreconditionFailed()
    if {"*", etag} & _tags(headers.get("If-None-Match", "")):
        return Part(304, 0, 0, size)
    if headers.get("If-Range", etag).strip() != etag:
        return whole
    asked = _ONE.fullmatch(headers.get("Range", "").replace(" ", "")) if method == "GET" else None
    if asked is None or not any(asked.groups()):
        return whole
    first, last = asked.groups()
    if not first:  # the last so many bytes
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return whole
    if start >= size or start >= end:
        raise RangeNotSatisfiable(size=size)
    return Part(206, start, end - start, size)


def _tags(value: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in value.split(",")}
