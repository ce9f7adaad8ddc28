"""Maker of docs/wall.png: a supervisor's wall of nine visits, one in trouble, taken from the running page.

Run `python -m tests.support.monitor.picture_of_the_wall [FILE]`. Rooms are drawn, people are flat shapes, and all
names are invented: no picture of a person is used."""

import asyncio
import io
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Page

from tests.support.chromium import chromium
from tests.support.monitor import senders
from tests.support.monitor.fake_server import TOKEN, FakeMonitor, fake_monitor
from tests.support.monitor.visits import because, live, officers, person, with_media
from tests.support.monitor.wall_measure import alert, choose

TARGET = Path(__file__).parents[3] / "docs" / "wall.png"
SCALE = 0.4  # of the drawing below, which is 480 by 270: seventeen rooms are encoded by one program
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
    ("ses_c", 12, "五监区 1 号会见室", "陈某", "龙泉司法所", "会见室 1", "陈某某、周某"),
    ("ses_d", 28, "五监区 3 号会见室", "孙某", "西山区司法局", "会见室 3", "孙某某"),
    ("ses_e", 9, "六监区 1 号会见室", "吴某", "呈贡区司法局", "会见室 1", "吴某某"),
    ("ses_f", 21, "六监区 2 号会见室", "郑某", "官渡区司法局", "会见室 1", "郑某某、冯某"),
    ("ses_g", 26, "七监区 1 号会见室", "钱某", "晋宁区司法局", "会见室 2", "钱某某"),
    ("ses_h", 14, "七监区 2 号会见室", "何某", "五华区司法局", "会见室 1", "何某某、吕某"),
    ("ses_i", 19, "八监区 1 号会见室", "施某", "安宁市司法局", "会见室 1", "施某某"),
]
LOST = 3
"""The visit whose visitors' room has lost its line."""
PICTURES = 2 * len(VISITS) - 1
WITHOUT_GRADES = """() => {
    for (const line of document.querySelectorAll(".picture .quality")) line.style.display = "none";
}"""
"""Hides how well each line does: here it is the line of one program that encodes seventeen rooms."""


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
    view = live(name, minutes * 60_000 - 13_000, quorum=quorum)
    view["sides"]["prison"] |= {"room_name": prison_room, "people": [person(prisoner, checked=True)]}
    people = [person(each, checked=True) for each in visitors.split("、")]
    view["sides"]["visitor"] |= {"site_name": bureau, "room_name": bureau_room, "people": people}
    if number != LOST:
        return view
    reason = because("room_lost", "会见室线路中断", "The line of the room is broken")
    held = {**with_media(view, "prison"), "state": "held", "gate": "shut", "reason": reason}
    held["sides"]["visitor"] |= {"lost": True, "lost_at": datetime.now(UTC).isoformat()}
    return held


async def _put(server: FakeMonitor) -> None:
    """Store nine visits, with the alert of the room that is lost."""
    called = {**alert(0), "kind": "room_lost", "grave": True, "zh": "会见室线路中断", "en": "The line is broken"}
    for number in range(len(VISITS)):
        await server.put(_view(number), alerts=[called] if number == LOST else [])


async def _received(page: Page) -> None:
    """Wait until every picture that is sent moves."""
    moving = "[...document.querySelectorAll('video[data-session]')].filter((video) => video.currentTime > 1)"
    try:
        await page.wait_for_function(f"() => {moving}.length >= {PICTURES}", timeout=PATIENCE * 1000)
    except Exception as error:
        print(f"not every side is received well: {type(error).__name__}", file=sys.stderr)


async def take(target: Path) -> None:
    """Take the picture of the wall and write it to `target`."""
    async with fake_monitor(room) as server, chromium() as browser:
        window = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        await window.add_cookies([{"name": "huijian", "value": TOKEN, "url": server.url}])
        server.me = {**server.me, "sessions_per_supervisor": len(VISITS), "site_name": "云南第一监狱"}
        page = await window.new_page()
        await page.goto(f"{server.url}/monitor")
        await choose(page, len(VISITS))
        await _put(server)
        await server.until(lambda: len(server.watched) >= 2 * len(VISITS))
        counted = [{"session": name, "counted": True, "why": []} for name, *_ in VISITS]
        await server.send("standing", sessions=counted, prompt=None)
        await page.get_by_role("button", name="收听双方").first.click()
        await _received(page)
        await page.evaluate(WITHOUT_GRADES)
        picture = await page.screenshot()
    target.parent.mkdir(exist_ok=True)
    # 256 colours: the page is made of few, and the README should load fast
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET))
