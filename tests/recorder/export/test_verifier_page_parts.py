"""The parts of the verifier's page, one by one, in Chromium: its SHA-256 in slices, its JSON as Python spells it, its
reader of ZIP files."""

import base64
import hashlib
import json
import math
import random
import re
import struct
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from broker.kernel import canonical_json
from recorder.export.verifier_page import FOLDER
from recorder.export.zip_file import writing
from tests.support.chromium import chromium

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
PARTS = {"Sha256", "parse", "sorted", "indented", "filesIn"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A page opened from the disk that has the functions of the modules."""
    script = ""
    for name in ("sha256.js", "json.js", "zip.js"):
        module = (FOLDER / name).read_text(encoding="utf-8")
        script += re.sub(r"^export ", "", re.sub(r"^import [^;]*;\n", "", module, flags=re.M), flags=re.M)
    file = tmp_path_factory.mktemp("parts") / "parts.html"
    shared = "".join(f"window.{name} = {name};" for name in sorted(PARTS))
    file.write_text(f"<!doctype html><input type=file id=file><script>{script}{shared}</script>", encoding="utf-8")
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(file.as_uri())
        yield page


class TestSha256:
    @pytest.mark.parametrize("size", [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_000])
    async def test_is_that_of_the_standard_in_slices_of_any_size(self, page: Page, size: int) -> None:
        data = random.Random(size).randbytes(size)
        found = await page.evaluate(
            """([text, step]) => {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                const digest = new Sha256();
                for (let at = 0; at < bytes.length; at += step) digest.update(bytes.subarray(at, at + step));
                return digest.hex();
            }""",
            [base64.b64encode(data).decode(), max(size // 7, 1)],
        )
        assert found == hashlib.sha256(data).hexdigest()

    async def test_of_the_published_example(self, page: Page) -> None:
        found = await page.evaluate("() => new Sha256().update(new TextEncoder().encode('abc')).hex()")
        assert found == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def floats() -> list[float]:
    chance = random.Random(1)
    found = [0.0, -0.0, 1.0, 0.1, 1e16, 1e15, 123456789012345680.0, 1e-4, 1e-5, 9.999e-5]
    found += [5e-324, 1.7976931348623157e308]
    while len(found) < 2000:
        value = struct.unpack("d", chance.randbytes(8))[0]
        found += [value] if math.isfinite(value) else []
        found.append(round(chance.uniform(-1e6, 1e6), chance.randrange(7)))
    return found


class TestJson:
    async def test_numbers_are_spelled_as_python_does(self, page: Page) -> None:
        values = floats()
        lines = await page.evaluate("(text) => parse(text).map(sorted)", json.dumps(values))
        assert lines == [json.dumps(value) for value in values]

    async def test_an_object_is_spelled_as_it_is_signed_and_as_it_is_kept(self, page: Page) -> None:
        value = {
            "乙": ["\u2028", "\x7f", '"\\/\b\f\n\r\t\x01', "😀"],
            "é": {"b": None, "a": [True, False], "": {}, "list": []},
            "a": [1, -7, 12345678901234567890, 1.0, 2.5e-7, [[]]],
            "\uffee": 1,
            "😀": 2,
        }
        text = json.dumps(value)
        assert await page.evaluate("(text) => sorted(parse(text))", text) == canonical_json.sorted_utf8(value).decode()
        assert await page.evaluate("(text) => indented(parse(text))", text) == canonical_json.indented(value).decode()

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[1,]", '{"a":1,}', "01", "1.", ".5", "+1", '"\n"', "[1 2]", "{a:1}", "nul", '{"a" 1}', "[1]x"],
    )
    async def test_what_is_none_is_refused(self, page: Page, text: str) -> None:
        with pytest.raises(ValueError):
            json.loads(text)
        assert (
            await page.evaluate("(text) => { try { parse(text); return true; } catch { return false; } }", text)
            is False
        )


class TestZip:
    async def read(self, page: Page, path: Path) -> dict[str, str]:
        await page.set_input_files("#file", path)
        return dict(
            await page.evaluate(
                """async () => {
                    const found = {};
                    for (const [name, blob] of await filesIn(document.getElementById("file").files[0])) {
                        found[name] = await blob.text();
                    }
                    return found;
                }"""
            )
        )

    @pytest.mark.parametrize("limit", [zipfile.ZIP64_LIMIT, 50])
    async def test_is_read_in_the_usual_form_and_as_zip64(
        self, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
    ) -> None:
        """The second form is that of packages of more than four gigabytes, whose sizes and places do not fit."""
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
        files = {f"f/{number}": f"{number}" * (number * 100) for number in range(1, 5)}
        (tmp_path / "large").write_text("y" * 500, encoding="utf-8")
        with writing(tmp_path / "x.zip", "f", datetime(2026, 3, 2, tzinfo=UTC), lambda _: None) as package:
            package.add_file("large", tmp_path / "large")
            for name, text in files.items():
                (tmp_path / "part").write_text(text, encoding="utf-8")
                package.add_file(name.removeprefix("f/"), tmp_path / "part")
        assert (b"PK\x06\x06" in (tmp_path / "x.zip").read_bytes()) is (limit == 50)
        assert await self.read(page, tmp_path / "x.zip") == {"f/large": "y" * 500, **files}
