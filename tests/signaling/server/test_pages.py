"""Pages, security headers, and answers to unknown addresses."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from recorder.export import verifier_page
from signaling.server import errors, pages
from tests.signaling.server.test_routes_every_row import exactly


@pytest.fixture
async def site(tmp_path):
    """An application that serves the pages of a folder of this test."""
    folder = tmp_path / "web"
    (folder / "ui" / "wall").mkdir(parents=True)
    for name in ("monitor.html", "ui/wall/a.js", "style.css", "icon.svg"):
        (folder / name).write_text(name)
    (folder / "notes.py").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    app = web.Application(middlewares=[errors.middleware])
    pages.add(app, folder)
    app.on_response_prepare.append(pages.set_headers)
    async with TestClient(TestServer(app)) as client:
        yield client


class TestPages:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/", "text/html"),
            ("/monitor", "text/html"),
            ("/web/ui/wall/a.js", "text/javascript"),
            ("/web/style.css", "text/css"),
            ("/web/icon.svg", "image/svg+xml"),
        ],
    )
    async def test_each_file_has_its_type(self, site, path, kind):
        answer = await site.get(path)
        assert (answer.status, answer.content_type) == (200, kind)

    async def test_the_verifier_of_packages_is_open_and_sent_as_a_file_to_keep(self, site):
        answer = await site.get("/verify.html")
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert await answer.read() == verifier_page.page()
        assert answer.headers["Content-Disposition"] == 'attachment; filename="verify.html"'
        assert answer.headers["Content-Security-Policy"] == pages.HEADERS["Content-Security-Policy"]

    @pytest.mark.parametrize(
        "path",
        [
            "notes.py",
            "none.js",
            "ui",
            "ui/wall/",
            "ui/../notes.py",
            "ui/..%2f..%2foutside.js",
            "link.js",
            "..%2foutside.js",
            "%2e%2e/outside.js",
            "a%00.js",
            "%2fetc%2fpasswd",
            "ui/%252e%252e/%252e%252e/outside.js",
            "ui%5c..%5c..%5coutside.js",
            "%c0%ae%c0%ae/outside.js",
            "%ff.js",
            "%ed%a0%80.js",
            "a" * 300 + ".js",
            "a/" * 2500 + "a.js",
            "%2e%2e%2f" * 500 + "outside.js",
        ],
    )
    async def test_nothing_else_is_served(self, site, path):
        answer = await site.get(exactly(site, f"/web/{path}"))
        assert answer.status == 404 and "secret" not in await answer.text()

    def test_all_pages_have_the_same_head(self):
        needed = [
            '<html lang="zh-CN">',
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="robots" content="noindex">',
            '<meta name="referrer" content="no-referrer">',
            '<link rel="icon" href="/web/icon.svg" type="image/svg+xml">',
            '<link rel="stylesheet" href="/web/styles/base.css">',
            "<noscript>此页面需要启用 JavaScript。 This page needs JavaScript.</noscript>",
        ]
        for page in sorted(pages.WEB.glob("*.html")):
            lines = [line.strip() for line in page.read_text("utf-8").splitlines()]
            assert [line for line in needed if line not in lines] == [], page.name

    async def test_a_page_that_is_not_there_yet_is_not_found(self, tmp_path):
        app = web.Application(middlewares=[errors.middleware])
        pages.add(app, tmp_path)
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/monitor")).status == 404


class TestHeaders:
    @pytest.mark.parametrize("path", ["/monitor", "/healthz", "/nowhere", "/api/v1/me"])
    async def test_every_answer_has_the_security_headers(self, front, path):
        headers = (await front.client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == ("no-cache" if path == "/monitor" else "no-store")

    async def test_the_monitor_page_is_there(self, front):
        assert (await front.client.get("/")).content_type == "text/html"


class TestUnknownAddresses:
    @pytest.mark.parametrize(
        "path", ["/nowhere", "/api/v1", "/api/v1/sessions/a/b/c", "/whip/", "/%ff", "/api/v1/slots/刘"]
    )
    async def test_an_unknown_address(self, front, path):
        await front.refused("not_found", "GET", path, "admin")

    @pytest.mark.parametrize("name", ["Ses", "a" * 65, "-a", "a.b", "a%0a"])
    async def test_an_impossible_id_is_not_found(self, front, name):
        await front.refused("not_found", "GET", f"/api/v1/sessions/{name}", "admin")

    async def test_another_method_says_which_ones_there_are(self, front):
        refused = await front.client.put("/api/v1/slots")
        assert refused.status == 405
        assert (await refused.json(content_type=None))["code"] == "method_not_allowed"
        assert {"GET", "POST"} == set(refused.headers["Allow"].split(", "))

    @pytest.mark.parametrize("path", ["terminals/challenges", "me/sessions/end-others", "visits/search"])
    @pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
    async def test_the_last_word_of_an_address_is_no_id_of_another(self, front, path, method):
        refused = await front.client.request(method, f"/api/v1/{path}")
        assert (refused.status, refused.headers["Allow"]) == (405, "POST")

    async def test_health(self, front):
        data = (await front.ask("GET", "/healthz")).data
        assert data == {"ok": True, "version": "0.0.test", "warnings": []}

    async def test_health_without_a_journal(self, front, monkeypatch):
        monkeypatch.setattr(type(front.journal), "healthy", lambda *_: False)
        refused = await front.refused("storage_unavailable", "GET", "/healthz")
        assert (refused.data["database"], refused.data["journal"]) == (True, False)
