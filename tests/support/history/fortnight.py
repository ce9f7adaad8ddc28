"""A folder of data with two weeks of drawn visits, to try the auditors' and administrators' pages by hand:

    python -m tests.support.history.fortnight FOLDER [ROOMS]; huijian --data-dir FOLDER serve --demo

Warnings, holds, early ends, no-shows, an extension, a talkback, a line that broke; small real films. Each account has
the password PASSWORD. ROOMS: further rooms with a long name each, to see long tables."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any

import typer
from sqlalchemy import insert, update

from broker.booking.slot import Person, Place, Slot
from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.records import Role, SiteKind
from broker.control.store.slots import _columns
from broker.control.store.store import Store
from broker.control.store.tables import slots, users
from broker.kernel import atomic_files
from broker.kernel.clock import SHANGHAI, Instant
from broker.kernel.database import writing
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SiteId, SlotId
from broker.session.effects import Reason
from broker.session.snapshot import to_json
from broker.session.state import End, Session, State
from config.pack_loader import load_pack
from config.settings import DEMO_MARK, Settings
from recorder.archive.catalog import Catalog, columns
from recorder.archive.finalize import finalise
from recorder.archive.paths import PLAN
from recorder.evidence.signing import installed
from signaling.history.keeper import HistoryKeeper
from signaling.history.sources import Sources
from signaling.views.recordings import Recordings
from tests.support.history.drawn import name_of
from tests.support.recording.archives import acknowledged
from tests.support.recording.feed import Feed, record

PASSWORD = "trial-trial-trial-26"
SECONDS = 90.0
PRISON, BUREAU = ("yunnan-1", "云南省第一监狱"), ("guandu", "昆明市官渡区司法局")
OFFICERS = {
    "li": ("李明", PRISON[0]),
    "zhao": ("赵强", PRISON[0]),
    "liu": ("刘芳", BUREAU[0]),
    "chen": ("陈静", BUREAU[0]),
}
WARNING = {"what": "WarningGiven", "by": "li", "site": PRISON[0], "sides": ["visitor"], "article": "YN-16-2"}
WARNING |= {"text_zh": "不准使用隐语、暗语交谈。", "text_en": "Do not talk in hints.", "id": "wrn_1"}
LONGER = {"id": "apr_1", "by": "zhou", "site": PRISON[0], "role": "approver", "article": "YN-14-FAMILY"}
Event = tuple[float, dict[str, Any]]


def watchers(*ids: str) -> list[dict[str, str]]:
    """Return these officers as timelines and journals name them."""
    return [{"user": id, "site": OFFICERS[id][1]} for id in ids]


def action(at: float, what: str, **data: Any) -> Event:
    """Return an officer's act in a timeline."""
    return at, {"kind": "action", "what": what, **data}


def held(at: float, to: float, why: str) -> list[Event]:
    """Return a hold in a timeline, with its gate."""
    shut, opened = {"kind": "gate", "open": False, "why": why}, {"kind": "gate", "open": True, "why": ""}
    return [
        (at, {"kind": "state", "from": "live", "to": "held"}),
        (at, shut),
        (to, opened),
        (to, state("held", "live")),
    ]


def state(before: str, after: str) -> dict[str, Any]:
    """Return a change of state in a timeline."""
    return {"kind": "state", "from": before, "to": after}


@dataclass(frozen=True)
class Tale:
    """What happens in a visit. `ending` and `article`: how it ends; `broken`: the visitors' line is down for six
    seconds; `film`: whether it was recorded."""

    events: tuple[Event, ...] = ()
    ending: str = "time_limit"
    article: str = ""
    broken: bool = False
    film: bool = True


HOLD = {"by": "zhao", "site": PRISON[0], "article": "YN-17-8", "note": "谈论案情"}
TALES: dict[str, Tale] = {
    "quiet": Tale(),
    "warned": Tale((action(30.0, **WARNING),), "completed"),
    "held": Tale(
        (action(30.0, **WARNING), action(40.0, "HoldOrdered", **HOLD), *held(40.2, 55.0, "supervisor")),
    ),
    "ended": Tale(
        (
            action(20.0, **WARNING),
            action(88.0, "EndOrdered", by="li", site=PRISON[0], article="YN-17-7", note="谈论减刑"),
        ),
        "ended_by_supervisor",
        "YN-17-7",
    ),
    "muted": Tale(
        (
            action(25.0, "MuteOrdered", by="liu", site=BUREAU[0], side="visitor", on=True, article="YN-16-6", note=""),
            action(33.0, "MuteOrdered", by="liu", site=BUREAU[0], side="visitor", on=False, article="YN-16-6", note=""),
        ),
        "completed",
    ),
    "spoken": Tale(
        (
            action(12.0, "SpeechBegan", by="li", site=PRISON[0], sides=["prison", "visitor"], article="TB-EXPLAIN"),
            (12.0, {"kind": "floor", "open": True, "sides": ["prison", "visitor"]}),
            (18.0, {"kind": "floor", "open": False, "sides": []}),
            action(50.0, "NoteMade", by="chen", site=BUREAU[0], text="会见人情绪激动"),
        ),
        "completed",
    ),
    "longer": Tale(
        (
            action(50.0, "ExtensionRequested", id="apr_1", by="li", site=PRISON[0], added=300.0, article="YN-14-FAMILY",
                   reason="家中变故"),
            action(60.0, "ExtensionApproved", **LONGER, added=300.0, reason="同意"),
        ),
    ),
    "broken": Tale(
        (
            (40.5, {"kind": "alert", "what": "AlertRaised", "of": "room_lost", "side": "visitor", "detail": ""}),
            *held(40.2, 47.0, "room_lost"),
        ),
        "technical",
        broken=True,
    ),
    "absent": Tale((), "no_show", film=False),
    "cancelled": Tale((), "cancelled", film=False),
    "refused": Tale((), "refused", "YN-17-3", film=False),
}  # fmt: skip
ORDER = (
    "quiet",
    "warned",
    "quiet",
    "spoken",
    "held",
    "absent",
    "longer",
    "broken",
    "muted",
    "cancelled",
    "ended",
    "refused",
)


OLD = (203, 202)
"""Days ago of visits whose recordings are due to be destroyed."""


class Moved:
    """A clock that stands at the moment of the visit that is written."""

    def __init__(self, wall: datetime) -> None:
        self.wall = wall

    def now(self) -> Instant:
        return Instant(self.wall, 1000.0)


@cache
def part(broken: bool) -> Path:
    """Return a folder with a clean part, or with one whose visitors' tracks lack six seconds."""
    folder = Path(mkdtemp(prefix="hj-part"))
    skip: Callable[[int, float], bool] = lambda track, at: broken and track >= 2 and 40.0 <= at < 46.0  # noqa: E731
    record(folder, Feed(SECONDS, skip=skip).records(), SECONDS)
    return folder


def slot_of(number: int, starts: datetime) -> Slot:
    """Return the slot of a visit."""
    people = (
        Person(PersonId(f"in-{number}"), Side.PRISON, name_of(number)),
        Person(PersonId(f"kin-{number}-1"), Side.VISITOR, name_of(number + 31), "母亲"),
        Person(PersonId(f"kin-{number}-2"), Side.VISITOR, name_of(number + 77), "配偶"),
    )
    room = number % 3 + 1
    return Slot(
        SlotId(f"slt_{number:026d}"), SessionId(f"ses_{number:026d}"),
        Place(SiteId(PRISON[0]), RoomId(f"p{room}")), Place(SiteId(BUREAU[0]), RoomId(f"v{room}")),
        starts, starts + timedelta(minutes=40), 30, people, "周监狱长", "云南 第十四条", "yunnan",
        external_id=f"YN-2026-{number:04d}",
    )  # fmt: skip


def days(today: datetime) -> Iterator[tuple[int, datetime, str]]:
    """Yield number, beginning and tale of each visit, three a day."""
    number = 0
    for back in (*OLD, *range(15, 0, -1)):
        day = (today - timedelta(days=back)).date()
        for hour in (9, 10, 14):
            yield number, datetime.combine(day, time(hour), SHANGHAI).astimezone(UTC), ORDER[number % len(ORDER)]
            number += 1


def timeline(tale: Tale, started: datetime) -> list[dict[str, Any]]:
    """Return the lines of a visit's timeline."""
    everybody = watchers(*OFFICERS)
    events: list[Event] = [
        *((0.0, acknowledged(side)) for side in ("prison", "visitor")),
        (0.2, state("ready", "live")),
        (0.2, {"kind": "gate", "open": True, "why": ""}),
        (0.2, {"kind": "people", "checked_in": [], "watchers": everybody}),
        (62.0, {"kind": "people", "checked_in": [], "watchers": watchers("li", "zhao", "liu")}),
        (66.0, {"kind": "people", "checked_in": [], "watchers": everybody}),
        *tale.events,
        (SECONDS - 0.5, {"kind": "gate", "open": False, "why": "ended"}),
        (SECONDS - 0.5, state("live", "ended")),
    ]
    return [
        {"at": (started + timedelta(seconds=at)).isoformat(), "mono": 1000.0 + at, "event": event}
        for at, event in sorted(events, key=lambda event: event[0])
    ]


def archive(root: Path, slot: Slot, tale: Tale) -> dict[str, Any]:
    """Write the recording of a visit; return what the catalog needs of it."""
    started, folder = slot.starts_at + timedelta(minutes=2), root / ".work" / slot.session
    folder.mkdir(parents=True)
    for file in part(tale.broken).iterdir():
        shutil.copy(file, folder / file.name)
    metadata = atomic_files.read_json(folder / "part-1.json") or {}
    atomic_files.write_json(folder / "part-1.json", metadata | {"zero_wall": started.isoformat()})
    pack = load_pack("yunnan")
    policy = {"name": pack.name, "version": pack.version, "sha256": pack.sha256, "retention_months": 6}
    sides = {
        side: {"site": slot.place(Side(side)).site, "room": slot.place(Side(side)).room, "title": side}
        for side in ("prison", "visitor")
    }
    rules = [acknowledged(side) for side in sides]
    plan = {
        "session": slot.session,
        "site": PRISON[0],
        "slot": {"id": slot.id},
        "sides": sides,
        "tap": 7,
        "rules": rules,
    }
    plan |= {"policy": policy, "starts_at": started.isoformat(), "started_at": started.isoformat()}
    atomic_files.write_json(folder / PLAN, plan)
    atomic_files.append_lines(folder / "timeline.jsonl", timeline(tale, started))
    return finalise(
        folder, root, {"code": tale.ending}, started + timedelta(seconds=SECONDS), installed(root.parent / "keys", root)
    )


async def write_visit(store: Store, journal: Journal, clock: Moved, root: Path, slot: Slot, tale: Tale) -> None:
    """Write a visit into slots, journal, catalog and archive."""
    async with writing(store.engine) as db:
        await db.execute(insert(slots).values(created_at=slot.starts_at, **_columns(slot)))
    clock.wall = slot.starts_at + timedelta(minutes=2)
    if tale.film:
        journal.note("Crossed", slot.session, "relay", {"mono": 1000.0})
        journal.note("WatchersChanged", slot.session, "system", {"watchers": watchers(*OFFICERS)})
        done = await asyncio.to_thread(archive, root, slot, tale)
        row = {
            "session": slot.session,
            "site": PRISON[0],
            "policy": "yunnan",
            "announced": True,
            "created_at": slot.starts_at,
        }
        await Catalog(store.engine).put(row | columns(done))
    for at, event in tale.events:
        clock.wall = slot.starts_at + timedelta(minutes=2, seconds=at)
        if event["kind"] == "action":
            journal.note(event["what"], slot.session, f"user:{event['by']}", event)
        elif event["kind"] == "alert":
            journal.note("AlertRaised", slot.session, "broker", {"kind": event["of"], "side": event["side"]})
    clock.wall = slot.starts_at + timedelta(minutes=2, seconds=SECONDS if tale.film else 600)
    over = {"from": "live", "to": "ended", "reason": tale.ending, "article": tale.article, "cause": ""}
    journal.note("StateChanged", slot.session, "broker", over)
    end = End(Reason(tale.ending), clock.wall, Side.VISITOR if tale.ending == "no_show" else None, article=tale.article)
    await store.save_snapshot(slot.session, "ended", to_json(Session(slot, State.ENDED, end), "boot"))
    await journal.flush()


async def places(store: Store, rooms: int) -> None:
    """Enter sites, rooms and accounts."""
    for (id, name), kind in ((PRISON, SiteKind.PRISON), (BUREAU, SiteKind.BUREAU)):
        await store.add_site(id, kind, name, "yunnan")
    for number in range(1, 4):
        await store.add_room(f"p{number}", PRISON[0], f"第{number}会见室")
        await store.add_room(f"v{number}", BUREAU[0], f"官渡{number}号会见室")
    for number in range(rooms):
        await store.add_room(
            f"far-{number}", PRISON[0], f"高度戒备监区远程视频会见中心第{number}号独立隔音会见室（无障碍）"
        )
    people = [(id, name, Role.SUPERVISOR, site) for id, (name, site) in OFFICERS.items()]
    people += [("zhou", "周监狱长", Role.APPROVER, PRISON[0]), ("procurator", "驻监检察官", Role.PROCURATOR, PRISON[0])]
    for id, name in (("auditor", "孙审计"), ("auditor2", "钱审计")):
        people.append((id, name, Role.AUDITOR, None))
    people.append(("admin", "系统管理员", Role.ADMIN, None))
    for id, name, role, site in people:
        await store.add_user(id, name, role, PASSWORD, site)
    async with writing(store.engine) as db:
        await db.execute(update(users).values(credential_at=None))


async def make(folder: Path, rooms: int, today: datetime) -> None:
    """Make the folder with all that a service finds in it: places, accounts, visits, recordings and the history."""
    settings = Settings.load(data_dir=folder, demo=True)
    settings.prepare()
    (folder / DEMO_MARK).touch()
    await migrate(settings.database_url)
    clock = Moved(today - timedelta(days=OLD[0] + 1))
    async with Store(settings.database_url, clock) as store, Journal(store.engine, clock) as journal:
        await places(store, rooms)
        for number, starts, name in days(today):
            slot = slot_of(number, starts)
            await write_visit(store, journal, clock, settings.archive_dir, slot, TALES[name])
            print(f"{starts.astimezone(SHANGHAI):%a %m-%d %H:%M} {name:10} {slot.people[0].name} {slot.session}")
        sources = Sources(store, Recordings(store.engine), settings.archive_dir, lambda session: None)
        clock.wall = today
        await HistoryKeeper(sources, store, journal, clock, settings).complete(everything=True, pace=0.0)


def main(
    folder: Annotated[Path, typer.Argument(help="A new folder, which a service is started on afterwards.")],
    rooms: Annotated[int, typer.Argument(min=0, help="Further rooms with a long name each.")] = 0,
) -> None:
    """Make a folder of data with two weeks of drawn visits, and print them."""
    asyncio.run(make(folder.absolute(), rooms, datetime.now(UTC)))


if __name__ == "__main__":
    typer.run(main)
