"""The places and people of a stage: two sites with three pairs of rooms, officers on duty and others, an auditor, and
the keys of booking systems. The first pair of rooms holds the visit, in the second a terminal arrives during each
flood, and the third is the attackers'."""

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from broker.control.journal.journal import Journal
from broker.control.store.records import Role
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from huijian.demo.setup import PLACES
from tests.support.installation import DEMO_PACK
from tests.support.terminals import token_of

PAIRS = ("visit", "arrival", "attack")
"""What each pair of rooms is for."""
ON_DUTY = (1, 2)
"""Numbers of the officers of each site who watch the visit."""
LIMIT_MINUTES = 30


@dataclass(frozen=True, slots=True)
class People:
    """Secrets of all who have any: tokens of the terminals by `pair side`, passwords by user, keys by their holder."""

    terminals: dict[str, str]
    passwords: dict[str, str]
    keys: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain values, for another process."""
        return asdict(self)


def room(pair: str, side: Side) -> str:
    """Return the id of a room."""
    return f"{PLACES[side].site}-{PAIRS.index(pair) + 1}"


def officer(side: Side, number: int) -> str:
    """Return the id of an officer of a site. 1 and 2 are on duty, 3 comes later, 4 attacks."""
    return f"{PLACES[side].site}-officer-{number}"


def long_pack(folder: Path) -> str:
    """Write the demonstration's pack with the law's own limit; return its name, which is its path."""
    text = DEMO_PACK.read_text("utf-8")
    head, found, rest = text.partition("[hard_limit]")
    short = 'value = 20\nunit = "seconds"'
    assert found and short in rest, "the pack has another limit"
    pack = folder / "long.toml"
    pack.write_text(head + found + rest.replace(short, f'value = {LIMIT_MINUTES}\nunit = "minutes"', 1), "utf-8")
    return str(pack)


async def enter(url: str, pack: str) -> People:
    """Enter all places and people into a new database, as the admin commands do."""
    async with Store(url, SystemClock()) as store, Journal(store.engine, SystemClock()) as journal:
        terminals = {}
        for side, place in PLACES.items():
            await store.add_site(place.site, place.kind, place.site_name, pack)
            for pair in PAIRS:
                await store.add_room(room(pair, side), place.site, f"{place.site_name} {pair}")
                terminals[f"{pair} {side}"] = await token_of(store, room(pair, side))
        passwords = {}
        for side in Side:
            for number in (*ON_DUTY, 3, 4):
                name = officer(side, number)
                passwords[name] = secrets.token_urlsafe(12)
                await store.add_user(name, "管理员", Role.SUPERVISOR, passwords[name], PLACES[side].site)
        passwords["auditor"] = secrets.token_urlsafe(12)
        await store.add_user("auditor", "审计员", Role.AUDITOR, passwords["auditor"])
        keys = {"booking": await store.add_api_key("booking"), "attacker": await store.add_api_key("attacker")}
        journal.note("StageSet", None, "command:hostile", {})
        await journal.flush()
    return People(terminals, passwords, keys)
