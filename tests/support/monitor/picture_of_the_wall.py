"""Maker of docs/wall.png: the wall of a supervisor with four visits, taken from the running page.

Run `python -m tests.support.monitor.picture_of_the_wall [FILE]`. Rooms are drawn, people are flat shapes, and all
names are invented: no picture of a person is used."""

import asyncio
import io
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Page

from tests.support.chromium import chromium
from tests.support.monitor import senders
from tests.support.monitor.fake_server import TOKEN, FakeMonitor, fake_monitor
from tests.support.monitor.visits import live, officers, person, session

TARGET = Path(__file__).parents[3] / "docs" / "wall.png"
SCALE = 2 / 3  # of the drawing below, which is 480 by 270: a tile is 185 pixels wide
WIDTH, HEIGHT = 480, 270
FRAMES = 20  # two seconds of breathing
PATIENCE = 60  # seconds until every side is received well; a busy machine gets what it reaches
SKIN, HAIR = ["#d9b08c", "#c99a74", "#e0bd9d", "#b98d6a"], ["#2b2622", "#4a4340", "#8b8784", "#1f1c1a"]
CLOTHES = {"prison": ["#4d6a8f", "#48617f"], "visitor": ["#8a4b54", "#5d7a5a", "#8c7446", "#5b5e86"]}
WALLS = {
    "prison": ["#aebbc4", "#b4bdb5", "#b9bcc8", "#a9b9be"],
    "visitor": ["#d2c6b1", "#c9cdbb", "#d6cabc", "#c4c9ce"],
}
VISITS = [  # id, minutes left to the limit, prison's room, prisoner, bureau, bureau's room, visitors
    ("ses_a", 24, "三监区 1 号会见室", "王某", "官渡区司法局", "会见室 2", "张某、李某"),
    ("ses_b", 17, "三监区 2 号会见室", "赵某", "盘龙区司法局", "会见室 1", "赵某某"),
    ("ses_c", 4, "五监区 1 号会见室", "陈某", "龙泉司法所", "会见室 1", "陈某某、周某"),
    ("ses_d", 28, "五监区 3 号会见室", "孙某", "西山区司法局", "会见室 3", "孙某某"),
    ("ses_e", 55, "三监区 1 号会见室", "吴某", "呈贡区司法局", "会见室 1", "吴某某"),
    ("ses_f", 80, "五监区 1 号会见室", "郑某", "官渡区司法局", "会见室 2", "郑某某、冯某"),
]
LATER = 4  # from this one on a visit comes later, and its minutes are those until then


@cache
def room(where: str) -> list[senders.Image]:
    """Return the images of one side's room."""
    name, side = where.split("/")
    number = [visit[0] for visit in VISITS].index(name)
    people = 1 if side == "prison" else len(VISITS[number][6].split("、"))
    return [_draw(side, number, people, at) for at in range(FRAMES)]


def _draw(side: str, number: int, people: int, at: int) -> senders.Image:
    wall = WALLS[side][number % 4]
    image = Image.new("RGB", (WIDTH, HEIGHT), wall)
    pen = ImageDraw.Draw(image, "RGBA")
    pen.rectangle((0, 0, WIDTH, 46), fill=(255, 255, 255, 40))
    pen.rectangle((0, 168, WIDTH, 172), fill=(0, 0, 0, 34))
    pen.rectangle((0, 172, WIDTH, HEIGHT), fill=(0, 0, 0, 22))
    left = 44 if side == "prison" else 352
    pen.rectangle((left, 34, left + 84, 96), fill="#f4f1e8", outline="#8d8473", width=3)
    for line in range(4):
        pen.rectangle((left + 14, 46 + 11 * line, left + (70 if line else 52), 50 + 11 * line), fill="#a8a396")
    image = image.filter(ImageFilter.GaussianBlur(1.2))
    pen = ImageDraw.Draw(image, "RGBA")
    for seat in range(people):
        middle = WIDTH * (seat + 1) // (people + 1) + (18 if side == "prison" else -10)
        _person(pen, middle, side, number + seat * 2, np.sin(2 * np.pi * (at / FRAMES + seat / 3)))
    pen.rectangle((0, 234, WIDTH, HEIGHT), fill="#6f5a45")
    pen.rectangle((0, 234, WIDTH, 239), fill="#8d745a")
    small = image.resize((round(WIDTH * SCALE), round(HEIGHT * SCALE)), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(small)[:, :, ::-1])


def _person(pen: ImageDraw.ImageDraw, middle: int, side: str, kind: int, sway: float) -> None:
    x, y = middle + 2 * sway, 108 + sway
    clothes = CLOTHES[side][kind % len(CLOTHES[side])]
    pen.rounded_rectangle((x - 62, y + 56, x + 62, y + 190), 42, fill=clothes)
    pen.polygon([(x - 15, y + 56), (x + 15, y + 56), (x, y + 84)], fill=SKIN[kind % 4])
    pen.rounded_rectangle((x - 13, y + 30, x + 13, y + 62), 8, fill=SKIN[kind % 4])
    long_hair = side == "visitor" and kind % 2 == 0
    pen.ellipse((x - 36, y - 44, x + 36, y + (58 if long_hair else 26)), fill=HAIR[kind % 4])
    pen.ellipse((x - 29, y - 30, x + 29, y + 44), fill=SKIN[kind % 4])
    pen.pieslice((x - 32, y - 40, x + 32, y + 14), 180, 360, fill=HAIR[kind % 4])


def _view(number: int) -> dict[str, Any]:
    name, minutes, prison_room, prisoner, bureau, bureau_room, visitors = VISITS[number]
    names = [("李明", "赵强"), ("李明", "何静"), ("何静", "高峰"), ("高峰", "赵强")][number % 4]
    quorum = {"prison": officers(*names), "visitor": officers(*[("刘芳", "陈静"), ("马丽", "郭涛")][number % 2])}
    view = live(name, minutes * 60_000 - 13_000, quorum=quorum) if number < LATER else session(name, minutes)
    view["sides"]["prison"] |= {"room_name": prison_room, "people": [person(prisoner, checked=True)]}
    people = [person(each, checked=True) for each in visitors.split("、")]
    view["sides"]["visitor"] |= {"site_name": bureau, "room_name": bureau_room, "people": people}
    return view


async def _put(server: FakeMonitor) -> None:
    """Store four visits that go on and two that come later."""
    for number in range(len(VISITS)):
        await server.put(_view(number))


async def _received_well(page: Page) -> None:
    """Wait until every picture moves and is graded as good."""
    good = "() => document.querySelectorAll('.picture .grade[data-level=\"good\"]').length === 8"
    try:
        await page.wait_for_function(good, timeout=PATIENCE * 1000)
    except Exception as error:
        print(f"not every side is received well: {type(error).__name__}", file=sys.stderr)


async def take(target: Path) -> None:
    """Take the picture of the wall and write it to `target`."""
    async with fake_monitor(room) as server, chromium() as browser:
        window = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        await window.add_cookies([{"name": "huijian", "value": TOKEN, "url": server.url}])
        server.me = {**server.me, "sessions_per_supervisor": 2, "site_name": "云南第一监狱"}
        page = await window.new_page()
        await page.goto(f"{server.url}/monitor")
        await page.get_by_role("radio", name="4", exact=True).check(force=True)
        await _put(server)
        await server.until(lambda: len(server.watched) == 8)
        counted = [{"session": name, "counted": True, "why": []} for name in ("ses_a", "ses_b")]
        await server.send("standing", sessions=counted, prompt=None)
        await page.get_by_role("button", name="收听双方").first.click()
        await _received_well(page)
        picture = await page.screenshot()
    target.parent.mkdir(exist_ok=True)
    # 256 colours: the page is made of few, and the README should load fast
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET))
