"""Places and people of the demonstration wall: one prison, counties with two rooms each, and the accounts. All names
are invented. Passwords are made anew at each start."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from broker.control.journal.journal import Journal
from broker.control.store.records import Role, SiteKind
from broker.control.store.store import Store
from broker.kernel.ids import Side
from config.pack_former import folder
from huijian.demo.setup import DemoTerminal, Place, enrol, ensure_place

AUTHOR = "command:wall"
LONGEST = timedelta(days=7)
"""How long the programs are signed in at most."""
MOST = 9
"""Visits of one wall."""
PRISON = ("wall-prison", "青云监狱")
COUNTIES = ["石桥县", "清水县", "白鹿县", "梨园县", "松溪县"]
_NAMES = ["罗文山", "白春生", "段小河", "和建军", "岩温", "普学明", "杨志远", "木增林", "李石头"]
_KIN = [
    [("罗桂芳", "母亲")],
    [("白玉兰", "配偶"), ("白小满", "子女")],
    [("段老三", "父亲")],
    [("和秀珍", "配偶")],
    [("玉应罕", "配偶"), ("岩叫", "子女"), ("玉波", "母亲")],
    [("普家旺", "父亲"), ("普凤仙", "母亲")],
    [("杨春梅", "姐妹")],
    [("木丽华", "配偶")],
    [("李长顺", "父亲")],
]
_SYLLABLES = ("lan", "shu", "qin", "mei", "song", "tao", "hua", "yun", "bei", "nan", "shan", "he", "lin", "feng", "yue")


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its password; `site` is empty for those of the province."""

    id: str
    role: Role
    password: str
    site: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """An officer who is a program, with the token by which it is signed in: twenty sign-ins by password would keep two
    cores busy for longer than all else."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Party:
    """The people of one visit: the prisoner's name, and name and relation of each visitor."""

    prisoner: str
    kin: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered: per visit its places, terminals and party; the officers who are programs, two a site for each
    two visits; the accounts for people at a screen; the booking key."""

    places: tuple[dict[Side, Place], ...]
    terminals: tuple[dict[Side, DemoTerminal], ...]
    parties: tuple[Party, ...]
    programs: tuple[Program, ...]
    people: tuple[Account, ...]
    key: str
    key_id: str


def places(number: int) -> dict[Side, Place]:
    """Return the two rooms of visit `number`, counted from 0: each county has the rooms of two visits."""
    county = number // 2
    return {
        Side.PRISON: Place(*_prison(), f"wall-prison-{number + 1}", f"{number + 1} 号会见室"),
        Side.VISITOR: Place(
            f"wall-county-{county + 1}",
            SiteKind.BUREAU,
            f"{COUNTIES[county]}司法局",
            f"wall-county-{county + 1}-{number % 2 + 1}",
            f"{'东' if number % 2 == 0 else '西'}会见室",
        ),
    }


def party(number: int) -> Party:
    """Return the people of visit `number`."""
    return Party(_NAMES[number], tuple(_KIN[number]))


def officers_of(number: int, side: Side) -> tuple[str, str]:
    """Return the ids of the two programs that watch visit `number` for a side. Each watches two visits, as many as the
    rules allow (Yunnan 25)."""
    site = places(number)[side].site
    first = 2 * (number // 2) if side is Side.PRISON else 0
    return f"{site}-officer-{first + 1}", f"{site}-officer-{first + 2}"


def write_pack(data: Path) -> str:
    """Write the pack of the wall: Yunnan's rules with their real times, marked as a demonstration, which `serve`
    refuses without --demo. Return its path."""
    text = folder().joinpath("yunnan.toml").read_text("utf-8")
    marked = text.replace("[pack]\n", "[pack]\ndemo = true\n", 1)
    named = marked.replace('title_zh = "', 'title_zh = "演示：', 1).replace(
        'title_en = "', 'title_en = "Demonstration: ', 1
    )
    file = data / "wall.toml"
    file.write_text(named, "utf-8")
    return str(file)


async def enter(store: Store, journal: Journal, pack: str, visits: int, password: str) -> Entered:
    """Enter, or find again, all that so many visits need. All of it is journaled, as for the admin commands."""
    rooms, terminals = [], []
    for number in range(visits):
        both = places(number)
        rooms.append(both)
        mine = {}
        for side, place in both.items():
            await ensure_place(store, journal, place, pack, AUTHOR)
            mine[side] = await enrol(store, place.room)
            journal.note("TerminalEnrolled", None, AUTHOR, {"terminal": mine[side].id, "room": place.room})
        terminals.append(mine)
    programs = [await _program(store, journal, account) for account in _programs(visits)]
    people = _people(password)
    for account in people:
        await _person(store, journal, account)
    key = await store.add_api_key("wall")
    record = await store.api_key_by_token(key)
    assert record is not None  # it was added above
    journal.note("KeyAdded", None, AUTHOR, {"key": record.id})
    await journal.flush()
    parties = tuple(party(number) for number in range(visits))
    return Entered(tuple(rooms), tuple(terminals), parties, tuple(programs), people, key, record.id)


async def leave(store: Store, journal: Journal, entered: Entered) -> None:
    """Sign the programs out and revoke the booking key, when the wall is over."""
    for program in entered.programs:
        await store.revoke_user_token(program.token)
    await store.revoke_api_key(entered.key_id)
    journal.note("KeyRevoked", None, AUTHOR, {"key": entered.key_id})
    await journal.flush()


def easy_password() -> str:
    """Return a password that is typed easily: it guards invented people, on this machine, until Ctrl-C."""
    return "-".join(secrets.choice(_SYLLABLES) for _ in range(3)) + f"-{secrets.randbelow(90) + 10}"


def _prison() -> tuple[str, SiteKind, str]:
    return PRISON[0], SiteKind.PRISON, PRISON[1]


def _programs(visits: int) -> tuple[Account, ...]:
    found: dict[str, Account] = {}
    for number in range(visits):
        for side, place in places(number).items():
            for id in officers_of(number, side):
                name = f"{place.site_name}管理员{id.rsplit('-', 1)[1]}"
                found[id] = Account(id, Role.SUPERVISOR, secrets.token_urlsafe(12), place.site, name)
    return tuple(found.values())


def _people(password: str) -> tuple[Account, ...]:
    prison, county = PRISON[0], places(0)[Side.VISITOR].site
    return (
        Account("supervisor", Role.SUPERVISOR, password, prison, "值班民警"),
        Account("colleague", Role.SUPERVISOR, password, prison, "接班民警"),
        Account("county", Role.SUPERVISOR, password, county, "司法局值班员"),
        Account("approver", Role.APPROVER, password, prison, "值班监狱长"),
        Account("clerk", Role.CLERK, password, prison, "窗口民警"),
        Account("auditor", Role.AUDITOR, password, "", "省局审计员"),
        Account("procurator", Role.PROCURATOR, password, prison, "驻监检察官"),
        Account("admin", Role.ADMIN, password, "", "系统管理员"),
    )


async def _program(store: Store, journal: Journal, account: Account) -> Program:
    """Enter a program's account, where it is not there, and sign it in."""
    if await store.user_named(account.id) is None:
        await _added(store, journal, account)
    return Program(account.id, await store.issue_user_token(account.id, LONGEST))


async def _person(store: Store, journal: Journal, account: Account) -> None:
    """Enter a person's account, or give it the password of this run."""
    if await store.user_named(account.id) is None:
        await _added(store, journal, account)
        return
    await store.set_password(account.id, account.password)
    journal.note("PasswordSet", None, AUTHOR, {"user": account.id})


async def _added(store: Store, journal: Journal, account: Account) -> None:
    await store.add_user(account.id, account.name, account.role, account.password, account.site or None)
    journal.note("UserAdded", None, AUTHOR, {"user": account.id, "role": account.role})
