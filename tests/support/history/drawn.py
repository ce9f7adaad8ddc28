"""Visits drawn from numbers: the same number is always the same visit, so that a test knows what a search must find."""

from datetime import datetime, timedelta

from sqlalchemy import insert

from broker.booking.slot import Person, Place, Slot
from broker.control.store.slots import _columns
from broker.control.store.tables import rooms, sites, slots
from broker.history.visit import Acts, Ending, Film, Intervention, Level, Visit, VisitState
from broker.kernel.database import writing
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SiteId, SlotId
from tests.support.control.fixtures import TEN

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂香文建国华志"
SITES, ROOMS = 20, 4
"""Prisons, and as many bureaus; rooms of each."""
ENDINGS = ("completed", "completed", "completed", "time_limit", "time_limit", "ended_by_supervisor", "technical")


def name_of(number: int) -> str:
    """Return a Chinese name: one of some thousands, the common surnames as often as they are."""
    first, second = GIVEN[number * 7 % len(GIVEN)], GIVEN[number * 13 // 5 % len(GIVEN)]
    return SURNAMES[number * number % len(SURNAMES)] + first + (second if number % 4 else "")


def slot_of(number: int, start: datetime = TEN, step: timedelta = timedelta(minutes=7)) -> Slot:
    """Return the slot of a drawn visit, `step` after the one before."""
    site, room = number % SITES, number // SITES % ROOMS
    people = (
        Person(PersonId(f"in-{number % 9000}"), Side.PRISON, name_of(number % 9000)),
        Person(PersonId(f"kin-{number % 9000}-1"), Side.VISITOR, name_of(number % 9000 + 31), "母亲"),
        Person(PersonId(f"kin-{number % 9000}-2"), Side.VISITOR, name_of(number % 9000 + 77), "配偶"),
    )
    starts = start + number * step
    return Slot(
        SlotId(f"slt_{number:026d}"),
        SessionId(f"ses_{number:026d}"),
        Place(SiteId(f"prison-{site}"), RoomId(f"p-{site}-{room}")),
        Place(SiteId(f"bureau-{site * 3 % SITES}"), RoomId(f"b-{site * 3 % SITES}-{room}")),
        starts,
        starts + timedelta(minutes=40),
        30,
        people,
        "监狱审批",
        "云南 第八条",
        "yunnan",
        external_id=f"YN-2026-{number:06d}",
    )


def visit_of(number: int, slot: Slot | None = None) -> Visit:
    """Return a drawn visit: most are archived, one in twenty never began."""
    slot = slot or slot_of(number)
    if number % 20 == 19:
        code = ("cancelled", "no_show", "refused")[number // 20 % 3]
        return Visit(slot, VisitState(code), Acts(), Ending(code, slot.starts_at))
    warned = (Intervention("warning", f"YN-16-{number % 7 + 1}", 1 + number % 2),) if number % 11 == 0 else ()
    site, far = slot.prison.site, slot.visitor.site
    present = frozenset(f"{place}-sup-{number // 3 % 6 + seat}" for place in (site, far) for seat in (0, 1))
    acts = Acts(
        began_at=slot.starts_at + timedelta(minutes=2),
        interventions=warned,
        alerts={"one_minute": 1} | ({"room_lost": 1} if number % 13 == 0 else {}),
        present=present,
        acted=frozenset(sorted(present)[:2]),
        viewers=frozenset({"auditor-1"} if number % 50 == 0 else ()),
    )
    ending = Ending(ENDINGS[number % len(ENDINGS)], slot.starts_at + timedelta(minutes=2, seconds=300 + number % 1500))
    level = (Level.GOOD, Level.GOOD, Level.GOOD, Level.FAIR, Level.POOR)[number % 5]
    film = Film(
        300.0 + number % 1500, {Side.PRISON: 1.0, Side.VISITOR: 0.9}, {Side.PRISON: level, Side.VISITOR: Level.GOOD}
    )
    return Visit(slot, VisitState.ARCHIVED, acts, ending, film)


async def fill(store, numbers, batch: int = 500) -> None:
    """Store the slots and the history of the visits with these numbers, and the places of all of them."""
    await _add_places(store)
    numbers = list(numbers)
    for first in range(0, len(numbers), batch):
        some = [slot_of(number) for number in numbers[first : first + batch]]
        async with writing(store.engine) as db:
            await db.execute(insert(slots), [{"created_at": slot.starts_at, **_columns(slot)} for slot in some])
        await store.index_visits([visit_of(int(slot.id[4:]), slot) for slot in some])


async def _add_places(store) -> None:
    async with writing(store.engine) as db:
        for kind, letter in (("prison", "p"), ("bureau", "b")):
            for site in range(SITES):
                id = f"{kind}-{site}"
                await db.execute(insert(sites).values(id=id, kind=kind, name=id, policy="yunnan"))
                for room in range(ROOMS):
                    await db.execute(insert(rooms).values(id=f"{letter}-{site}-{room}", site=id, name=f"{room}"))
