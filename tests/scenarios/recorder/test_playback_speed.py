"""Playback of a recording of half an hour: what has to be fetched for the first picture, and what Chromium shows when
it plays and seeks the original over HTTP."""

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest

from broker.kernel.ids import Side
from broker.media.tap_format import TRACK_TITLES
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from recorder.archive.catalog import Catalog
from recorder.mp4.boxes import walk
from signaling.server.cookies import SESSION
from tests.support import marked
from tests.support.chromium import chromium
from tests.support.control.fixtures import TEN
from tests.support.recording.feed import record
from tests.support.recording.publisher import Publisher
from tests.support.rtp import Stream

SECONDS = 1800
SAMPLES = SECONDS * 2 * (30 + 50)  # of a real visit: 30 pictures and 50 packets of sound a second, twice
MOST_INDEX = 8_000_000  # bytes: two thirds of a second at 100 Mbit/s

PLAYER = """
window.video = document.body.appendChild(document.createElement("video"));
video.muted = true;
window.told = (name) => new Promise((done, failed) => {
  video.addEventListener(name, done, { once: true });
  video.addEventListener("error", () => failed(new Error(video.error?.message)), { once: true });
});
window.open_film = async (url) => {
  const ready = told("loadeddata");
  video.src = url;
  await ready;
  return { seconds: video.duration, width: video.videoWidth, height: video.videoHeight };
};
window.seek = async (second) => {
  const there = told("seeked");
  video.currentTime = second;
  await there;
};
window.shown = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: canvas.width * canvas.height }, (_, index) => data[4 * index + 1]);
};
window.play_until = async (second) => {
  await video.play();
  while (video.currentTime < second) await told("timeupdate");
  video.pause();
  return { pictures: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount };
};
"ready";
"""


@pytest.fixture(scope="module")
def half_hour(tmp_path_factory):
    """Make a film of thirty minutes whose pictures carry their numbers."""
    sides = [
        Publisher(side, 0.0, float(SECONDS), (Stream(90_000, 2 * n + 1), Stream(48_000, 2 * n + 2)))
        for n, side in enumerate(Side)
    ]
    records = sorted((one for side in sides for one in side.records()), key=lambda one: one.arrival_ns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recorder.pipeline.writer.SYNC", 60.0)
        return record(tmp_path_factory.mktemp("film"), records, float(SECONDS), step=0.5).film


@dataclass
class Fetched:
    """A file that a player reads by range. Each seek is one more request; bytes are counted in blocks of 64 KiB."""

    path: Path
    leaps: int = 0
    blocks: set[int] = field(default_factory=set)
    at: int = 0
    next: int = -1

    def read(self, count):
        self.leaps += self.at != self.next
        with self.path.open("rb") as file:
            file.seek(self.at)
            data = file.read(count)
        self.blocks |= set(range(self.at >> 16, (self.at + len(data) >> 16) + 1))
        self.at = self.next = self.at + len(data)
        return data

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.path.stat().st_size)[whence]
        return self.at

    def tell(self):
        return self.at


@pytest.mark.timeout(300)  # the first test records the half hour
class TestTheFirstPicture:
    def test_needs_the_index_and_a_few_blocks_more(self, half_hour):
        fetched = Fetched(half_hour)
        with av.open(fetched, "r", format="mp4", buffer_size=1 << 16) as film:
            first = next(film.decode(video=0))
        assert code_in(first.to_ndarray(format="gray")) == FrameCode(Side.PRISON, 0)
        index = _index(half_hour)
        assert fetched.leaps <= 4
        assert len(fetched.blocks) << 16 < index + 4 * (1 << 16), (len(fetched.blocks), index)
        assert index < 0.15 * half_hour.stat().st_size  # these pictures are tiny; of a real film it is one percent

    def test_has_an_index_that_stays_small_in_a_real_visit(self, half_hour):
        with av.open(str(half_hour)) as film:
            assert len(film.streams) == len(TRACK_TITLES)
            samples = sum(stream.frames for stream in film.streams)
        assert samples > SECONDS * 2 * (marked.PICTURES + 16)
        assert _index(half_hour) / samples * SAMPLES < MOST_INDEX


def _index(path):
    """Return the size of the file's moov box."""
    with path.open("rb") as file:
        (moov,) = (box for box in walk(file, 0, path.stat().st_size) if box.kind == b"moov")
    return moov.size


@pytest.fixture
async def address(front, half_hour):
    """Return the address at which the server plays the film."""
    session = await front.visit()
    path = f"first-prison/2026/03/02/{session}/session.mp4"
    file = front.context.settings.archive_dir / path
    file.parent.mkdir(parents=True)
    shutil.copy(half_hour, file)
    tag = hashlib.sha256(file.read_bytes()).hexdigest()
    row = {"session": session, "site": "first-prison", "path": path, "sha256": tag, "bytes": file.stat().st_size}
    row |= {"state": "archived", "announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
    await Catalog(front.store.engine).put(row)
    return f"/api/v1/recordings/{session}/film"


@pytest.mark.browser
@pytest.mark.timeout(300)
class TestChromium:
    async def test_plays_the_original_and_seeks_to_any_picture(self, front, address):
        server = str(front.client.make_url("")).rstrip("/")
        answers = []
        async with chromium() as browser:
            context = await browser.new_context()
            await context.add_cookies([{"name": SESSION, "value": front.tokens["auditor"], "url": server}])
            page = await context.new_page()
            await page.goto(f"{server}/healthz")
            await page.evaluate(PLAYER)
            page.on("response", lambda one: answers.append((one.status, one.headers.get("content-range", ""))))
            film = await page.evaluate("(url) => open_film(url)", address)
            begun = len(answers)
            assert abs(film["seconds"] - SECONDS) < 0.5 and (film["width"], film["height"]) == (128, 96)
            for second in (0.1, 1500.6, 12.1, 900.4):
                await page.evaluate("(second) => seek(second)", second)
                code = await _code(page, film)
                assert code is not None and code.side is Side.PRISON
                assert abs(code.number / marked.PICTURES - second) < 0.5
            played = await page.evaluate("(second) => play_until(second)", 902.0)
            assert played["pictures"] >= 4 and played["sound"] > 1000
        assert begun <= 4 and {status for status, _ in answers} == {206}, answers
        assert len(await front.noted("RecordingPlayed")) >= 1


async def _code(page, film):
    """Return the code in the picture that the page shows."""
    luma = np.array(await page.evaluate("shown()"), np.uint8)
    return code_in(luma.reshape(film["height"], film["width"]))
