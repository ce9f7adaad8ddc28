"""The web pages: plain files from signaling/web, served as they are, and kept in memory once they were asked for.
Nothing is inline and nothing comes from other servers, and the headers of every answer tell the browser to refuse
both."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import hdrs, web

from broker.kernel.errors import NotFound
from recorder.export import verifier_page
from signaling.server.client_address import over_tls
from signaling.server.encoded import Encoded

WEB = Path(__file__).parents[1] / "web"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
}
PAGES = {
    "/": "monitor.html",
    "/monitor": "monitor.html",
    "/terminals": "terminals.html",
    "/account": "account.html",
    "/admin": "admin.html",
    "/audit": "audit.html",
    "/invitation": "invitation.html",
}
VERIFIER = "/verify.html"
"""The page that checks packages, to be handed out by another way than with a package. It is sent as a file to keep: its
script stands in it, which no page of this server may have."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cache-Control": "no-store",
}


async def set_headers(request: web.BaseRequest, answer: web.StreamResponse) -> None:
    """Set the security headers of every answer, and leave out which versions of which programs answer."""
    answer.headers.popall(hdrs.SERVER, None)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)


def strict_transport(seconds: int) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return what makes browsers ask for this server by TLS alone for so long (RFC 6797): a header of each answer over
    TLS, as it would not count in another one."""
    value = f"max-age={seconds}"

    async def set_header(request: web.Request, answer: web.StreamResponse) -> None:
        if over_tls(request):
            answer.headers["Strict-Transport-Security"] = value

    return set_header


def add(app: web.Application, folder: Path = WEB) -> None:
    """Serve the pages of `folder`; a file that does not exist at the time of the request is 404."""
    files = Files(folder)

    async def page(request: web.Request) -> web.StreamResponse:
        return files.get(PAGES[request.path]).answer(request)

    async def file(request: web.Request) -> web.StreamResponse:
        return files.get(request.match_info["path"]).answer(request)

    async def verifier(request: web.Request) -> web.StreamResponse:
        answer = Encoded(verifier_page.page(), "text/html; charset=utf-8").answer(request)
        answer.headers["Content-Disposition"] = 'attachment; filename="verify.html"'
        return answer

    for path in PAGES:
        app.router.add_get(path, page)
    app.router.add_get(VERIFIER, verifier)
    app.router.add_get("/web/{path:.+}", file)


class Files:
    """The files of a folder, each read and encoded when it is asked for the first time or has changed."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._encoded: dict[Path, tuple[tuple[int, int], Encoded]] = {}

    def get(self, name: str) -> Encoded:
        """Return a file of the folder. Raises NotFound for other types, and for what lies outside the folder: neither
        links nor dots lead out of it."""
        path = (self._root / name).resolve() if "\x00" not in name else self._root
        kind = TYPES.get(path.suffix)
        if kind is None or not path.is_relative_to(self._root):
            raise NotFound()
        try:
            found = path.stat()
            state = (found.st_mtime_ns, found.st_size)
            before, encoded = self._encoded.get(path, (None, None))
            if encoded is None or before != state:
                text = kind.startswith("text/") or kind.endswith("json")
                encoded = Encoded(path.read_bytes(), f"{kind}; charset=utf-8" if text else kind)
                self._encoded[path] = state, encoded
        except (OSError, ValueError):  # it is not there, is a folder, or cannot be a name
            raise NotFound() from None
        return encoded
