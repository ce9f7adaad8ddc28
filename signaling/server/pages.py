"""The web pages: plain files from signaling/web, served as they are. Nothing is inline and nothing comes from other
servers, and the headers of every answer tell the browser to refuse both."""

from pathlib import Path

from aiohttp import web

from broker.kernel.errors import NotFound

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
PAGES = {"/": "monitor.html", "/monitor": "monitor.html"}

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
    """Set the security headers of every answer."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)


def add(app: web.Application, folder: Path = WEB) -> None:
    """Serve the pages of `folder`; a file that does not exist at the time of the request is 404."""

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(folder, PAGES[request.path])

    async def file(request: web.Request) -> web.StreamResponse:
        return _file(folder, request.match_info["path"])

    for path in PAGES:
        app.router.add_get(path, page)
    app.router.add_get("/web/{path:.+}", file)


def _file(folder: Path, name: str) -> web.FileResponse:
    root = folder.resolve()
    path = (root / name).resolve() if "\x00" not in name else root
    kind = TYPES.get(path.suffix)
    # Only these types, and only inside the folder: neither links nor dots lead out of it.
    if kind is None or not path.is_relative_to(root) or not path.is_file():
        raise NotFound()
    text = kind.startswith("text/") or kind.endswith("json")
    return web.FileResponse(path, headers={"Content-Type": f"{kind}; charset=utf-8" if text else kind})
