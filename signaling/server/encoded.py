"""A document that is encoded once and then sent as it is: a page, a script, the OpenAPI document. Its entity tag is the
digest of its bytes, so that a browser which has it already is told so in a few bytes (RFC 9110, 13.1.2)."""

import hashlib

from aiohttp import web

REVALIDATE = "no-cache"
"""It may be kept, but not used without asking: an update of the software must not meet old scripts."""


class Encoded:
    """Bytes with their type and entity tag."""

    __slots__ = ("body", "content_type", "etag")

    def __init__(self, body: bytes, content_type: str) -> None:
        self.body, self.content_type = body, content_type
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def answer(self, request: web.Request) -> web.Response:
        """Return the document, or 304 where the sender has it."""
        headers = {"ETag": self.etag, "Cache-Control": REVALIDATE}
        tags = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
        if {"*", self.etag} & tags:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers={**headers, "Content-Type": self.content_type})
