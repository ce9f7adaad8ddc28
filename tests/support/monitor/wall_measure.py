"""Measurements of the supervisors' wall on the real page: how much of the screen is picture, how small the smallest one
is, and what the page reports of each. Pictures are measured as they are seen: in their own shape without bars, and
clipped by what scrolls."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.senders import Image, moving_bar
from tests.support.monitor.visits import live, person, with_media

SIZES = {"1366x768": {"width": 1366, "height": 768}, "1920x1080": {"width": 1920, "height": 1080}}
LEAST = (160, 90)
"""CSS pixels of the smallest picture that counts."""
PEOPLE = ["罗文山", "白春生", "段小河", "和建军", "岩温", "普学明", "杨志远", "木增林", "李石头"]
COUNTIES = ["石桥县", "清水县", "白鹿县", "梨园县", "松溪县"]
_ALERTS = [("black", True, "画面全黑", "The picture is black"), ("silent", False, "长时间没有声音", "No sound")]
MEASURE = """async () => {
  const videos = [...document.querySelectorAll("video[data-session]")];
  const seen = await Promise.all(videos.map((video) => new Promise((done) => {
    const observer = new IntersectionObserver(([entry]) => { observer.disconnect(); done(entry); }, { threshold: 0 });
    observer.observe(video);
  })));
  return seen.map(({ target, boundingClientRect: box, intersectionRect: part }) => {
    const [across, down] = target.videoWidth ? [target.videoWidth, target.videoHeight] : [16, 9];
    const scale = Math.min(box.width / across, box.height / down);
    const width = across * scale, height = down * scale;
    const left = box.left + (box.width - width) / 2, top = box.top + (box.height - height) / 2;
    const wide = Math.min(left + width, part.right) - Math.max(left, part.left);
    const high = Math.min(top + height, part.bottom) - Math.max(top, part.top);
    const shown = Math.max(0, wide) * Math.max(0, high);
    return { session: target.dataset.session, side: target.dataset.side, width, height, shown };
  });
}"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its size in CSS pixels, and the area of it that is seen."""

    session: str
    side: str
    width: float
    height: float
    shown: float

    @property
    def whole(self) -> bool:
        """Whether at least nine tenths of it are seen."""
        return self.shown >= 0.9 * self.width * self.height > 0

    @property
    def large_enough(self) -> bool:
        """Whether it has the size that a picture needs to count; half a pixel is lost by rounding."""
        return self.width >= LEAST[0] - 0.5 and self.height >= LEAST[1] - 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """A wall as it is seen: its pictures, and their share of the screen."""

    pictures: tuple[Picture, ...]
    screen: float

    @property
    def share(self) -> float:
        """The part of the screen that is picture."""
        return sum(picture.shown for picture in self.pictures) / self.screen

    @property
    def smallest(self) -> Picture:
        """The picture of which least is seen."""
        return min(self.pictures, key=lambda picture: picture.shown)

    @property
    def good(self) -> int:
        """How many pictures are whole and large enough to count."""
        return sum(picture.whole and picture.large_enough for picture in self.pictures)


async def measure(page: Page) -> Measured:
    """Measure the wall as it stands now."""
    size = page.viewport_size
    assert size is not None
    pictures = tuple(Picture(**each) for each in await page.evaluate(MEASURE))
    return Measured(pictures, size["width"] * size["height"])


def small_bar(_: str) -> list[Image]:
    """Return images that cost little to encode, for walls of many pictures."""
    return moving_bar(160, 90)


async def show(server: FakeMonitor, page: Page, visits: int, alerts: int = 0, *, sends: bool = True) -> None:
    """Put so many live visits with so many open alerts on the wall, and wait until all of them stand on it. Rooms that
    send nothing change no place and spare the machine."""
    await choose(page, visits)
    for number in range(visits):
        share = alerts // visits + (number < alerts % visits)
        view = visit(number) if sends else with_media(visit(number))
        await server.put(view, alerts=[alert(turn) for turn in range(share)])
    await page.wait_for_function(f"document.querySelectorAll('video[data-session]').length >= {2 * visits}")
    await settled(page)


async def choose(page: Page, visits: int) -> None:
    """Choose the smallest wall that holds so many visits, where the page lets the officer choose."""
    offered = page.locator("[role=radio], input[type=radio]")
    for index in range(await offered.count()):
        radio = offered.nth(index)
        value = await radio.get_attribute("value") or ""
        if value.isdecimal() and int(value) >= visits and await radio.is_enabled():
            await radio.check(force=True)
            return


async def settled(page: Page) -> None:
    """Wait until nothing on the wall has moved for two looks."""
    before: Any = None
    while (now := await page.evaluate(MEASURE)) != before:
        before = now
        await page.evaluate("() => new Promise((done) => setTimeout(done, 150))")


def visit(number: int) -> dict[str, Any]:
    """Return a live visit of an invented prisoner with a county; two visits have the same county."""
    view = live(f"ses_{'abcdefghi'[number]}", (28 - 2 * number) * 60_000)
    view["sides"]["prison"] |= {"room_name": f"{number + 1} 号会见室", "people": [person(PEOPLE[number], checked=True)]}
    county = {"site_name": f"{COUNTIES[number // 2]}司法局", "room_name": "东会见室" if number % 2 == 0 else "西会见室"}
    view["sides"]["visitor"] |= county
    return view


def alert(turn: int) -> dict[str, Any]:
    """Return open alert number `turn` of a visit; its side and kind follow from the number."""
    kind, grave, zh, en = _ALERTS[turn // 2 % len(_ALERTS)]
    at = (datetime.now(UTC) - timedelta(seconds=5 * turn)).isoformat()
    view = {"id": f"alt_{turn + 1}", "kind": kind, "side": ("visitor", "prison")[turn % 2], "state": "new"}
    words = {"grave": grave, "zh": zh, "en": en, "at": at, "detail": ""}
    return {**view, **words, **dict.fromkeys(("taken_by", "taken_at", "done_by", "done_at", "why"))}
