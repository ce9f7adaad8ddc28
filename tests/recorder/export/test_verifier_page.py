"""The page that checks a package in a browser, opened from the disk: it finds in Chromium what `huijian verify` finds.

Beyond it the command looks at the tracks of the film and computes coverage and rules from the timeline again, which
byte flips do not need: their findings of these kinds stand beside others of the same file."""

import base64
import hashlib
import random
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Page

from broker.kernel import atomic_files
from recorder.evidence.signing import Ed25519Signer, installed, sign, trusted
from recorder.export import verifier_page
from recorder.export.check import check_package
from tests.recorder.export.conftest import Made
from tests.recorder.export.test_check import MIXED, flip
from tests.support.chromium import chromium
from tests.support.recording.packages import list_again, recording, sign_again, with_entries

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
PYTHON_ALONE = {"tracks", "coverage", "rules"}
PATIENCE = 60_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(made: Made) -> AsyncIterator[Page]:
    """The page of the package, from the disk; it must not ask any other host for anything."""
    async with chromium() as browser:
        window = await browser.new_context(locale="zh-CN")
        window.set_default_timeout(PATIENCE)
        page = await window.new_page()
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        await page.goto((made.folder / "verify.html").as_uri())
        yield page
        assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
        assert errors == []


async def checked(page: Page, field: str, *paths: Path) -> dict[str, Any]:
    """Choose files in the page and return what it has found."""
    await page.evaluate("() => { window.checked = null; }")
    await page.set_input_files(field, paths)
    await page.wait_for_function("() => window.checked !== null")
    return dict(await page.evaluate("() => window.checked"))


def by_file(findings: list[dict[str, Any]]) -> set[tuple[str, str, float | None]]:
    return {(one["file"], one["kind"], one["second"]) for one in findings}


def by_command(package: Path) -> set[tuple[str, str, float | None]]:
    damages = check_package(package).damages
    return {(one.path.as_posix(), one.kind, one.second) for one in damages if one.kind not in PYTHON_ALONE}


class TestAWholePackage:
    async def test_is_whole_as_a_folder_and_as_a_zip(self, page: Page, made: Made) -> None:
        for field, path in (("#folder", made.folder), ("#zip", Path(made.order.target))):
            found = await checked(page, field, path)
            assert found == {"sound": True, "findings": []}
            assert "完好" in await page.inner_text("#state")

    async def test_is_described_in_both_languages_with_the_id_of_its_key(self, page: Page, made: Made) -> None:
        await checked(page, "#folder", made.folder)
        (key,) = trusted(made.root.parent / "keys").by_id
        facts = await page.inner_text("#facts")
        assert made.order.receiver in facts and key in facts and "session_two" in facts
        await page.click("#language")
        assert "Whole" in await page.inner_text("#state") and "Receiver" in await page.inner_text("#facts")
        await page.click("#language")

    async def test_is_not_of_an_institution_with_another_key(self, page: Page, made: Made) -> None:
        await checked(page, "#folder", made.folder)
        (key,) = trusted(made.root.parent / "keys").by_id
        await page.fill("#known", "0123456789abcdef")
        assert "不一致" in await page.inner_text("#state")
        await page.fill("#known", key.upper())
        assert "完好" in await page.inner_text("#state")
        await page.fill("#known", "")

    @pytest.mark.parametrize("spelling", ["full width", "in groups", "the whole fingerprint", "beside another"])
    async def test_takes_an_id_however_it_is_typed(self, page: Page, made: Made, spelling: str) -> None:
        await checked(page, "#folder", made.folder)
        (key,) = trusted(made.root.parent / "keys").by_id.values()
        match spelling:
            case "full width":
                text = "".join(chr(ord(sign) + 0xFEE0) for sign in key.id.upper())
            case "in groups":
                text = " ".join(re.findall("....", key.id))
            case "the whole fingerprint":
                lines = key.pem().splitlines()[1:-1]
                text = hashlib.sha256(base64.b64decode(b"".join(lines))[-32:]).hexdigest()
            case _:
                text = f"0123456789abcdef，{key.id}"
        await page.fill("#known", text)
        assert "完好" in await page.inner_text("#state")
        await page.fill("#known", "")

    @pytest.mark.parametrize("text", ["没有", "ｘｙｚ", "，", "0123", "{key}0", "{key}，没有"])
    async def test_is_of_no_institution_where_something_else_than_an_id_is_typed(
        self, page: Page, made: Made, text: str
    ) -> None:
        await checked(page, "#folder", made.folder)
        (key,) = trusted(made.root.parent / "keys").by_id
        await page.fill("#known", text.format(key=key))
        assert "不一致" in await page.inner_text("#state")
        await page.fill("#known", "　")
        assert "完好" in await page.inner_text("#state")
        await page.fill("#known", "")

    async def test_says_that_the_page_should_come_by_another_way(self, page: Page) -> None:
        assert "出具单位另行提供的 verify.html" in await page.inner_text("main")

    @pytest.mark.parametrize("form", ["folder", "zip"])
    async def test_can_be_dragged_into_the_page(self, page: Page, made: Made, form: str) -> None:
        path = made.folder if form == "folder" else made.order.target
        await page.evaluate("() => { window.checked = null; }")
        tools = await page.context.new_cdp_session(page)
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await tools.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
        await page.wait_for_function("() => window.checked !== null")
        assert await page.evaluate("() => window.checked") == {"sound": True, "findings": []}

    async def test_reads_well_for_everybody(self, page: Page, made: Made) -> None:
        await checked(page, "#folder", made.folder)
        results = await Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


async def test_shows_what_a_package_says_and_runs_nothing_of_it(page: Page, made: Made, package: Path) -> None:
    index = atomic_files.read_json(package / "export.json") or {}
    index |= {"receiver": "<img src=x onerror='window.hit = 1'>某法院\u202e", "reason": "举证\u200b\n完\u3164好"}
    atomic_files.write_json(package / "export.json", sign(index, installed(made.root.parent / "keys", made.root)))
    (package / "<b>\u202e完好").write_text("x")
    assert (await checked(page, "#folder", package))["sound"] is False
    shown = [await page.locator(part).inner_text() for part in ("#facts", "#rows")]
    assert "<img src=x onerror='window.hit = 1'>某法院[U+202E]" in shown[0] and "举证[U+200B] 完[U+3164]好" in shown[0]
    assert "<b>[U+202E]完好" in shown[1] and not {"\u202e", "\u200b"} & set("".join(shown))
    assert await page.locator("main img, main b").count() == 0 and await page.evaluate("() => window.hit ?? 0") == 0


class TestAForger:
    """A forger has a key of his own, and adds it to the package beside the right one."""

    @pytest.mark.parametrize("share", ["all", "index"])
    async def test_is_found_by_the_id_of_the_right_key(self, page: Page, made: Made, package: Path, share: str) -> None:
        forger = Ed25519Signer(Ed25519PrivateKey.generate())
        if share == "all":
            sign_again(package, forger)
        else:
            (package / "keys" / f"{forger.public.id}.pem").write_bytes(forger.public.pem())
            list_again(package, forger)
        (key,) = trusted(made.root.parent / "keys").by_id
        assert (await checked(page, "#folder", package))["sound"] is True, "by itself it is consistent"
        await page.fill("#known", key)
        assert "不一致" in await page.inner_text("#state") and "完好" not in await page.inner_text("#state")
        assert await page.evaluate("() => window.checked.sound") is False
        await page.fill("#known", f"{key}, {forger.public.id}")
        assert "完好" in await page.inner_text("#state"), "both keys are trusted, as after an exchange of keys"
        await page.fill("#known", "")


async def test_the_result_of_an_older_check_is_not_shown(page: Page, made: Made, package: Path) -> None:
    """The first check waits for a file, and ends after the second one."""
    (package / "cover.pdf").write_bytes(b"x")
    await page.evaluate(
        """() => {
            const [read, make] = [Blob.prototype.arrayBuffer, SubtleCrypto.prototype.generateKey];
            window.ended = 0;
            const released = new Promise((resolve) => { window.release = resolve; });
            let first = true;
            Blob.prototype.arrayBuffer = async function () {
                if (first) {
                    first = false;
                    window.held = true;
                    await released;
                }
                return read.call(this);
            };
            SubtleCrypto.prototype.generateKey = async function (...order) {
                const key = await make.apply(this, order);
                window.ended += 1;
                return key;
            };
            window.restore = () => {
                Blob.prototype.arrayBuffer = read;
                SubtleCrypto.prototype.generateKey = make;
            };
        }"""
    )
    await page.set_input_files("#folder", package)
    await page.wait_for_function("() => window.held")
    assert (await checked(page, "#folder", made.folder))["sound"] is True
    await page.evaluate("() => window.release()")
    await page.wait_for_function("() => window.ended === 2")
    await page.evaluate("() => window.restore()")
    assert await page.evaluate("() => window.checked.sound") is True
    assert "完好" in await page.inner_text("#state")


class TestOneByte:
    """The same byte flips are found by the page and by the command, in the same file, of the same kind and second."""

    async def test_in_each_file_is_found_by_both(self, page: Page, package: Path) -> None:
        found_in = set()
        for path in sorted(path for path in package.rglob("*") if path.is_file()):
            name = path.relative_to(package).as_posix()
            size = path.stat().st_size
            for at in sorted({0, size - 1, *random.Random(name).sample(range(size), min(size, 5))}):
                flip(path, at)
                found = by_file((await checked(page, "#folder", package))["findings"])
                expected = by_command(package)
                flip(path, at)
                assert found == expected, (name, at)
                assert name in {file for file, _, _ in found}, (name, at)
            found_in.add(path.name)
        assert {"session.mp4", "view.mp4", "manifest.json", "chain.jsonl", "export.json", "cover.pdf"} <= found_in
        assert (await checked(page, "#folder", package))["sound"] is True

    async def test_in_each_file_of_an_eventful_visit_is_found_by_both(
        self, page: Page, eventful: Made, tmp_path: Path
    ) -> None:
        """An extension, an explained gap, and a chain that another site has witnessed before and after."""
        package = Path(shutil.copytree(eventful.folder, tmp_path / eventful.folder.name))
        explained = (package / "timeline.html").read_text("utf-8") + next(
            package.glob("archive/*/chain.jsonl")
        ).read_text()
        for words in ("线路中断或丢包", "批准延长", "witness"):
            assert words in explained, words
        assert (await checked(page, "#folder", package)) == {"sound": True, "findings": []}
        assert by_command(package) == set()
        for path in sorted(path for path in package.rglob("*") if path.is_file()):
            name, at = path.relative_to(package).as_posix(), path.stat().st_size // 2
            flip(path, at)
            found = by_file((await checked(page, "#folder", package))["findings"])
            expected = by_command(package)
            flip(path, at)
            assert found == expected and name in {file for file, _, _ in found}, name

    async def test_is_told_by_file_second_and_what_it_is(self, page: Page, package: Path) -> None:
        path = recording(package) / "session.mp4"
        flip(path, path.stat().st_size // 2)
        await checked(page, "#folder", package)
        assert "发现 1 处问题" in await page.inner_text("#state")
        row = await page.inner_text("#rows tr")
        assert "录像原件" in row and re.search(r"第 [\d.]+ 秒起", row) and "内容被改动" in row

    async def test_in_a_zip_is_found_as_well(self, page: Page, made: Made, tmp_path: Path) -> None:
        copy = Path(shutil.copy(made.order.target, tmp_path / "package.zip"))
        copy.chmod(0o600)
        data = copy.read_bytes()
        flip(copy, data.index(b"ftyp") + 40)
        found = by_file((await checked(page, "#zip", copy))["findings"])
        assert found and found == by_command(copy)


class TestWholeFiles:
    @pytest.mark.parametrize("change", ["cut", "lost", "added", "swapped", "index", "lines"])
    async def test_are_found_by_both(self, page: Page, package: Path, change: str) -> None:
        film, timeline = recording(package) / "session.mp4", recording(package) / "timeline.jsonl"
        match change:
            case "cut":
                film.write_bytes(film.read_bytes()[:-1000])
            case "lost":
                timeline.unlink()
            case "added":
                (recording(package) / "more.txt").write_text("x")
            case "swapped":
                view = (package / "view.mp4").read_bytes()
                (package / "view.mp4").write_bytes(film.read_bytes())
                film.write_bytes(view)
            case "index":
                (package / "export.json").unlink()
            case "lines":
                chain = next(package.glob("archive/*/chain.jsonl"))
                lines = chain.read_bytes().splitlines(keepends=True)
                chain.write_bytes(lines[1] + lines[0])
        found = by_file((await checked(page, "#folder", package))["findings"])
        assert found and found == by_command(package)

    async def test_beside_the_folder_of_the_package_are_found_by_both(self, page: Page, package: Path) -> None:
        (package.parent / "more.txt").write_text("x")
        found = by_file((await checked(page, "#folder", package.parent))["findings"])
        assert found == by_command(package.parent) == {("../more.txt", "added", None)}

    async def test_that_are_parts_of_old_formats_have_to_be_in_the_index(
        self, page: Page, made: Made, package: Path
    ) -> None:
        signer = installed(made.root.parent / "keys", made.root)
        sign_again(package, signer, format=2)
        part = recording(package) / "part-001.mp4"
        part.write_bytes(b"part")
        found = by_file((await checked(page, "#folder", package))["findings"])
        assert {kind for _, kind, _ in found} == {"added"} and found == by_command(package)
        list_again(package, signer)
        assert (await checked(page, "#folder", package))["sound"] is True
        part.write_bytes(b"Part")
        found = by_file((await checked(page, "#folder", package))["findings"])
        assert {kind for _, kind, _ in found} == {"changed"} and found == by_command(package)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize("name", MIXED.values(), ids=MIXED)
    async def test_in_a_zip_that_shows_each_program_others_are_refused(
        self, page: Page, made: Made, tmp_path: Path, name: str
    ) -> None:
        mixed = with_entries(Path(made.order.target), tmp_path / "x.zip", name)
        assert await checked(page, "#zip", mixed) == {"error": "mixedZip"}
        assert "不能采信" in await page.inner_text("#state")

    async def test_that_are_no_package_are_refused_in_words(self, page: Page, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "x.txt").write_text("x")
        assert (await checked(page, "#folder", tmp_path / "a")) == {"error": "noPackage"}
        assert "整个移交包" in await page.inner_text("#state")
        (tmp_path / "b.zip").write_bytes(b"no zip")
        assert (await checked(page, "#zip", tmp_path / "b.zip")) == {"error": "badZip"}


async def test_is_one_file_that_loads_nothing() -> None:
    html = verifier_page.page().decode()
    assert re.findall(r"^(?:import|export) .*", html, re.M) == []
    assert "default-src 'none'" in html and "src=" not in html and "href=" not in html
