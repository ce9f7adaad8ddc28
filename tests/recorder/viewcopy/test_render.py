"""The view copy: what it shows and sounds like, that it plays and seeks in Chromium, and how the queue makes it."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from broker.ipc.recorder_messages import SECOND_PRISON
from broker.kernel import atomic_files
from broker.kernel.database import engine_for
from broker.kernel.errors import Conflict, NotFound
from recorder.archive.timeline_coverage import Span
from recorder.evidence.verify import verify
from recorder.viewcopy import layout, worker
from recorder.viewcopy.layout import STRIP, WIDTH, Layout, Script, strip, watermark
from recorder.viewcopy.queue import FAILED, MAKING, QUEUED, READY, ViewCopies
from recorder.viewcopy.render import make, script_of
from recorder.viewcopy.worker import ViewCopyWorker, view_path
from tests.support import probe
from tests.support.chromium import chromium
from tests.support.patience import PATIENCE
from tests.support.recording.archives import SIDES, archived, make_work, signer
from tests.support.recording.feed import WALL
from tests.support.recording.purging import DUE, PurgeSetup

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archived recording of three seconds."""
    root = tmp_path_factory.mktemp("view") / "archive"
    return (root / archived(make_work(root), root)["path"]).parent


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archived recording of one second, where the length does not matter."""
    root = tmp_path_factory.mktemp("short") / "archive"
    return (root / archived(make_work(root, seconds=1.0), root)["path"]).parent


@pytest.fixture(scope="module")
def copy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The view copy of that recording."""
    target = tmp_path_factory.mktemp("copy") / "view.mp4"
    make(folder, target, lambda _: None)
    return target


def picture(path: Path, second: float) -> av.VideoFrame:
    with av.open(str(path)) as film:
        return next(frame for frame in film.decode(video=0) if frame.time is not None and frame.time >= second)


def test_a_second_prison_is_not_called_a_family() -> None:
    sides = {**SIDES, "visitor": {**SIDES["visitor"], "title": SECOND_PRISON}}
    script = script_of({"started_at": WALL.isoformat(), "sides": sides, "gaps": []}, [])
    assert script.names == (f"{layout.words().prison}  prison-site", f"{layout.words().second_prison}  visitor-site")


class TestTheCopy:
    def test_is_h264_and_aac_with_its_index_in_front_and_as_long_as_the_film(self, copy: Path, folder: Path) -> None:
        streams = probe.probe(copy)["streams"]
        assert [stream["codec_name"] for stream in streams] == ["h264", "aac"]
        data = copy.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")
        assert probe.complaints(copy) == ""
        assert all(abs(length - max(probe.lengths(folder / "session.mp4"))) < 0.1 for length in probe.lengths(copy))

    def test_shows_both_rooms_side_by_side(self, copy: Path) -> None:
        luma = picture(copy, 1.0).to_ndarray(format="gray")
        left, right = luma[STRIP + 20 :, 100:540].mean(), luma[STRIP + 20 :, WIDTH + 100 : WIDTH + 540].mean()
        assert 60 < left < 110 and 120 < right < 170  # the shades of the two generated pictures

    @pytest.mark.parametrize("second", [0.5, 1.5, 2.5])
    def test_burns_the_clock_of_shanghai_in(self, copy: Path, second: float) -> None:
        found = picture(copy, second).to_ndarray(format="gray")[:STRIP].astype(float)
        names = (f"{layout.words().prison}  prison-site", f"{layout.words().visitor}  visitor-site")

        def likeness(shown: str) -> float:
            return float(np.corrcoef(strip(names, shown).ravel(), found.ravel())[0, 1])

        right = likeness(f"2026-11-22 10:00:0{int(second)}")
        others = [likeness(f"2026-11-22 10:00:0{other}") for other in range(10) if other != int(second)]
        assert right > 0.97 and right > max(others)

    def test_sounds_like_both_sides(self, copy: Path) -> None:
        with av.open(str(copy)) as film:
            sound = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])
        power = np.abs(np.fft.rfft(sound[48_000:96_000]))
        assert {440, 880} == {int(index) for index in np.argsort(power)[-2:]}

    def test_can_be_made_again_over_a_try_that_was_broken_off(self, short: Path, tmp_path: Path) -> None:
        target = tmp_path / "a" / "view.mp4"
        target.parent.mkdir()
        (target.parent / ".view.mp4.new.mp4").write_bytes(b"half")
        shares: list[float] = []
        make(short, target, shares.append)
        make(short, target, shares.append)
        assert [path.name for path in target.parent.iterdir()] == ["view.mp4"] and max(shares) > 0.9

    async def test_plays_and_seeks_in_chromium(self, copy: Path) -> None:
        async def page(_: web.Request) -> web.Response:
            return web.Response(text="<video id=v src=/view.mp4 muted></video>", content_type="text/html")

        async def film(_: web.Request) -> web.FileResponse:
            return web.FileResponse(copy)

        app = web.Application()
        app.router.add_get("/", page)
        app.router.add_get("/view.mp4", film)
        async with TestServer(app) as server, chromium() as browser:
            shown = await browser.new_page()
            await shown.goto(str(server.make_url("/")))
            played = await shown.evaluate(
                """async () => {
                  const video = document.getElementById("v");
                  const once = (name) => new Promise((done, failed) => {
                    video.addEventListener(name, done, { once: true });
                    video.addEventListener("error", () => failed(video.error.message), { once: true });
                  });
                  if (video.readyState < 1) await once("loadedmetadata");
                  const seeked = once("seeked");
                  video.currentTime = 2.2;
                  await seeked;
                  const at = video.currentTime;
                  const ended = once("ended");
                  await video.play();
                  await ended;
                  return { at, width: video.videoWidth, length: video.duration };
                }"""
            )
        assert played["at"] == pytest.approx(2.2) and played["width"] == 2 * WIDTH
        assert played["length"] == pytest.approx(3.0, abs=0.1)


class TestTheWatermark:
    """The name of the receiver over both pictures of a copy that is handed over."""

    def test_is_seen_on_dark_and_on_bright_ground_in_every_part_of_a_picture(self) -> None:
        whole = watermark("昆明市中级人民法院")
        assert whole.shape == (layout.HEIGHT, 2 * WIDTH)
        for top in range(0, layout.HEIGHT - 119, 120):
            for left in range(0, 2 * WIDTH - 319, 320):
                assert whole[top : top + 120, left : left + 320].any(), (top, left)
        assert 0.005 < whole.mean() < 0.15, "the faces stay visible"
        for ground in (16, 128, 235):
            made = Layout(Script(WALL, NAMES, watermark="某法院"))
            made._y[STRIP:] = ground
            luma = made.frame(0.0).to_ndarray()[STRIP : STRIP + layout.HEIGHT]
            marked = luma[watermark("某法院")]
            assert abs(marked.astype(int) - ground).min() > 40, ground
            assert (luma[~watermark("某法院")] == ground).all()

    def test_is_in_a_copy_that_was_made_with_one_alone(self, short: Path, copy: Path, tmp_path: Path) -> None:
        target = tmp_path / "marked.mp4"
        make(short, target, lambda _: None, watermark="昆明市中级人民法院")
        plain, marked = (picture(path, 0.5).to_ndarray(format="gray")[STRIP:-40] for path in (copy, target))
        letters = watermark("昆明市中级人民法院")[: len(plain)]
        difference = np.abs(plain.astype(int) - marked.astype(int))
        assert difference[letters].mean() > difference[~letters].mean() + 15


class TestHoldsAndGaps:
    def test_are_read_from_timeline_and_manifest(self) -> None:
        states = [(1.0, "live"), (4.0, "held"), (9.5, "live"), (20.0, "held")]
        timeline = [
            {"at": (WALL + timedelta(seconds=at)).isoformat(), "event": {"kind": "state", "to": to}}
            for at, to in states
        ]
        timeline.append({"at": (WALL + timedelta(seconds=25)).isoformat(), "event": {"kind": "closed"}})
        gaps = [{"track": 2, "start": 1.0, "seconds": 2.0}, {"track": 1, "start": 1.0, "seconds": 2.0}]
        script = script_of({"started_at": WALL.isoformat(), "sides": SIDES, "gaps": gaps}, timeline)
        assert script.holds == (Span(4.0, 9.5), Span(20.0, 25.0))
        assert script.missing == ((), (Span(1.0, 3.0),))

    def test_are_seen_in_the_picture(self) -> None:
        shown = Layout(Script(WALL, NAMES, (Span(2.0, 3.0),), ((Span(5.0, 6.0),), ())))
        bright = av.VideoFrame.from_ndarray(np.full((360, 320), 200, np.uint8), format="yuv420p")
        for side in (0, 1):
            shown.show(side, bright)
        free, held = (shown.frame(second).to_ndarray(format="rgb24") for second in (1.0, 2.5))
        assert held[5, 5, 0] > free[5, 5, 0] + 40  # the strip turns red
        free, gap = (shown.frame(second).to_ndarray(format="gray") for second in (1.0, 5.5))
        assert free[200, 300] > 150 > 100 > gap[200, 300]
        assert gap[200, WIDTH + 300] == free[200, WIDTH + 300]


@pytest.fixture
async def purging(tmp_path: Path, database: str) -> AsyncIterator[PurgeSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    yield PurgeSetup(engine, tmp_path / "archive")
    await engine.dispose()


async def until(views: ViewCopies, session: str, state: str) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE):
        while (row := await views.row(session)) is None or row["state"] != state:
            await asyncio.sleep(0.05)  # the maker reports only through the database
    return row


def no_visit() -> bool:
    return False


class TestTheMaker:
    async def test_makes_what_is_queued(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one", seconds=1.0)
        maker = ViewCopyWorker(ViewCopies(purging.engine), purging.root, purging, 1, signer(purging.root), no_visit)
        running = asyncio.create_task(maker.run())
        await maker.want("session_one")
        row = await until(maker.views, "session_one", READY)
        target = view_path(purging.root, "session_one")
        assert row["bytes"] == target.stat().st_size and row["progress"] == 1.0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def test_is_as_good_as_paused_while_a_visit_is_under_way(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "WATCH", 0.01)
        seen: asyncio.Queue[tuple[bool, int]] = asyncio.Queue()
        visits = [True]

        def noted(leader: int, nice: int) -> bool:
            assert os.getsid(leader) == leader  # the recorder's own session keeps its priority
            seen.put_nowait((visits[0], nice))
            visits[0] = not visits[0]
            return True

        monkeypatch.setattr(worker, "set_session", noted)
        await purging.recording("session_one", seconds=1.0)
        views = ViewCopies(purging.engine)
        maker = ViewCopyWorker(views, purging.root, purging, 1, signer(purging.root), lambda: visits[0])
        running = asyncio.create_task(maker.run())
        await maker.want("session_one")
        async with asyncio.timeout(PATIENCE):
            found = [await seen.get() for _ in range(3)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert found == [(True, worker.BESIDE_VISITS), (False, worker.ALONE), (True, worker.BESIDE_VISITS)]

    async def test_signs_for_what_it_made_so_that_an_exchanged_copy_is_found(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one", seconds=1.0)
        await purging.recording("session_two", seconds=1.0)
        maker = ViewCopyWorker(ViewCopies(purging.engine), purging.root, purging, 1, signer(purging.root), no_visit)
        running = asyncio.create_task(maker.run())
        await maker.want("session_one")
        await until(maker.views, "session_one", READY)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        target = view_path(purging.root, "session_one")
        assert verify(None, purging.root).ok and verify(None, purging.root).copies == 3
        assert target.stat().st_mode & 0o777 == 0o444
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.chmod(0o600)
        target.write_bytes(data)
        for what in (None, "session_one"):
            assert [(one.kind, one.path) for one in verify(what, purging.root).damages] == [("changed", target)]
        (target.parent / "more.mp4").write_bytes(b"x")
        target.parent.rename(target.parent.with_name("session_two"))
        assert {"changed", "added"} == {one.kind for one in verify("session_two", purging.root).damages}
        target.parent.with_name("session_two").rename(target.parent.with_name("session_none"))
        assert [one.kind for one in verify(None, purging.root).damages] == ["added"]

    async def test_signs_at_its_start_for_copies_of_before_and_makes_others_again(self, purging: PurgeSetup) -> None:
        views = ViewCopies(purging.engine)
        for session, sha256 in (("session_one", hashlib.sha256(b"a copy").hexdigest()), ("session_two", "ab" * 32)):
            await purging.recording(session, seconds=1.0)
            target = view_path(purging.root, session)
            target.parent.mkdir(parents=True)
            target.write_bytes(b"a copy")
            await views.want(session, purging.wall)
            await views.ready(session, {"bytes": 6, "sha256": sha256}, purging.wall)
        assert {one.kind for one in verify(None, purging.root).damages} == {"missing"}
        await ViewCopyWorker(views, purging.root, purging, 0, signer(purging.root), no_visit).run()
        assert verify("session_one", purging.root).ok
        assert (await views.row("session_two") or {})["state"] == QUEUED

    async def test_leaves_what_it_was_making_to_the_next_one(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one", seconds=1.0)
        views = ViewCopies(purging.engine)
        await views.want("session_one", purging.wall)
        first = ViewCopyWorker(views, purging.root, purging, 1, signer(purging.root), no_visit)
        running = asyncio.create_task(first.run())
        await until(views, "session_one", MAKING)
        with pytest.raises(Conflict):
            await views.want("session_one", purging.wall)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        row = await views.row("session_one") or {}
        assert (row["state"], row["attempts"]) == (QUEUED, 0) and not view_path(purging.root, "session_one").exists()

    async def test_gives_up_after_three_failures_and_says_why(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one", seconds=1.0)
        folder.chmod(0o700)
        (folder / "session.mp4").chmod(0o600)
        (folder / "session.mp4").write_bytes(b"not a film")
        maker = ViewCopyWorker(ViewCopies(purging.engine), purging.root, purging, 1, signer(purging.root), no_visit)
        running = asyncio.create_task(maker.run())
        await maker.want("session_one")
        row = await until(maker.views, "session_one", FAILED)
        assert row["attempts"] == 3 and "Invalid data" in str(row["reason"])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def test_makes_nothing_of_what_is_not_archived(self, purging: PurgeSetup) -> None:
        with pytest.raises(NotFound):
            await ViewCopies(purging.engine).want("session_none", purging.wall)

    async def test_a_copy_that_is_being_made_is_not_overtaken_by_a_purge(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one", seconds=1.0)
        views = ViewCopies(purging.engine)
        await views.want("session_one", purging.wall)
        await views.take(purging.wall)
        purging.wall = DUE
        assert [one[0] for one in (await purging.apply()).failed] == ["session_one"] and folder.exists()
        await views.ready("session_one", {"bytes": 1, "sha256": "ab"}, purging.wall)
        assert (await purging.purge.resume(purging.scope())).deleted == 1
        assert await views.row("session_one") is None


def test_the_process_reports_its_progress(short: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recorder.viewcopy", str(short), str(tmp_path / "view.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    reports = done.stdout.splitlines()
    assert json.loads(reports[-1])["done"] > 0.9
    assert atomic_files.read_json(short / "manifest.json") is not None
