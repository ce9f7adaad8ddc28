"""Fixtures that run the application of signaling, each with a database, journal, clock and port of its own. The
database is made once and copied."""

import asyncio
import shutil
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher

from broker.control.journal.journal import Journal
from broker.control.rules.clock_watch import ClockWatch
from broker.control.store import secrets
from broker.control.store.migrations import migrate
from broker.control.store.records import Role, SiteKind
from broker.control.store.store import Store
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.clock import Instant
from config.settings import Settings
from signaling.auth.rate_limit import Limit
from signaling.budgets.allowance import BUDGETS, Budget
from signaling.server.app import CONTEXT, build_app
from tests.support.control.fixtures import TEN, StoodClock
from tests.support.http.server import ConnectionServer
from tests.support.signaling.front import PASSWORD, Front, PretendBroker, settle
from tests.support.terminals import token_of

USERS = {
    "prison-sup": (Role.SUPERVISOR, "first-prison"),
    "visitor-sup": (Role.SUPERVISOR, "panlong"),
    "visitor-sup-2": (Role.SUPERVISOR, "panlong"),
    "foreign-sup": (Role.SUPERVISOR, "other-bureau"),
    "clerk": (Role.CLERK, "panlong"),
    "approver": (Role.APPROVER, "first-prison"),
    "auditor": (Role.AUDITOR, None),
    "foreign-auditor": (Role.AUDITOR, "other-bureau"),
    "procurator": (Role.PROCURATOR, "first-prison"),
    "foreign-procurator": (Role.PROCURATOR, "second-prison"),
    "admin": (Role.ADMIN, None),
    "prison-admin": (Role.ADMIN, "second-prison"),
}
SITES = {
    "first-prison": (SiteKind.PRISON, "第一监狱", ("p1", "p2")),
    "second-prison": (SiteKind.PRISON, "第二监狱", ("q1",)),
    "panlong": (SiteKind.BUREAU, "盘龙区司法局", ("v1", "v2")),
    "other-bureau": (SiteKind.BUREAU, "他县司法局", ("w1",)),
}


def clock_at_nine():
    """An hour before the visits of these tests."""
    clock = StoodClock()
    clock.instant = Instant(TEN - timedelta(hours=1), 5000.0)
    return clock


@pytest.fixture
def clock():
    return clock_at_nine()


@contextmanager
def cheap_passwords():
    """Real argon2, with parameters that cost a millisecond."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        secrets._unused_hash.cache_clear()
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """Cheap passwords for all tests."""
    with cheap_passwords():
        yield


@pytest.fixture(scope="session")
def made(tmp_path_factory, quick_passwords):
    """A database file with sites, rooms, terminals and users, and the token of each of them."""
    file = tmp_path_factory.mktemp("made") / "h.sqlite"
    return file, asyncio.run(make(f"sqlite+aiosqlite:///{file}"))


async def make(url):
    """Make the database with all sites, rooms, terminals and users; return their tokens."""
    await migrate(url)
    tokens = {}
    async with Store(url, clock_at_nine()) as store:
        for site, (kind, name, rooms) in SITES.items():
            await store.add_site(site, kind, name, "yunnan")
            for room in rooms:
                await store.add_room(room, site, f"{room} 室")
                tokens[room] = await token_of(store, room)
        for user, (role, site) in USERS.items():
            await store.add_user(user, f"{user} 名", role, PASSWORD, site)
            tokens[user] = await store.issue_user_token(user, timedelta(hours=12))
        tokens["booking"] = await store.add_api_key("booking")
        tokens["observer"] = await store.add_api_key("observer", "obs")
        await settle(store)
    return tokens


@asynccontextmanager
async def running_front(folder, clock, made, drill_tools=None):
    """The application with a database of its own in `folder`; it makes drills where it is given their tools."""
    file, tokens = made
    shutil.copy(file, folder / "h.sqlite")
    url = f"sqlite+aiosqlite:///{folder / 'h.sqlite'}"
    async with Store(url, clock) as store, Journal(store.engine, clock) as journal:
        broker = PretendBroker(store, clock)
        broker.clock_watch = ClockWatch(AgreedClock(clock), {}, journal, lambda: None, "boot-1")
        app = build_app(
            broker=broker,
            store=store,
            journal=journal,
            settings=Settings(data_dir=folder),
            clock=clock,
            version="0.0.test",
            drill_tools=drill_tools,
        )
        # The clock stands, so that no allowance ever fills again; its own tests take the usual one.
        app[CONTEXT].allowance.budgets = {kind: Budget(1e9, 1.0) for kind in BUDGETS}
        app[CONTEXT].changes = app[CONTEXT].terminal_changes = Limit(burst=10**9, per_minute=1)
        async with TestClient(ConnectionServer(app)) as client:
            yield Front(client, broker, clock, dict(tokens), journal, store)


@pytest.fixture
async def front(tmp_path, clock, made):
    """The application, for this test alone."""
    async with running_front(tmp_path, clock, made) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_front(tmp_path_factory, made):
    """The application for all tests of a module whose requests are refused or only read: they leave nothing behind.
    Such tests are marked `asyncio(loop_scope="module")`."""
    async with running_front(tmp_path_factory.mktemp("shared"), clock_at_nine(), made) as running:
        yield running
