"""A database of version 0.1.0 is brought to this version's schema, and keeps its rows. The code of that version has
written `database_0_1_0.sql`."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.booking.absence import AbsenceState, Decision, decide
from broker.control.journal.journal import Journal
from broker.control.store.devices.terminals import PublicKey
from broker.control.store.migrations import migrate
from broker.control.store.records import Role, SiteKind, TerminalState
from broker.control.store.secrets import token_hash
from broker.control.store.store import Store
from broker.kernel.database import reading
from broker.kernel.errors import EnrolmentRefused
from broker.kernel.ids import Side
from config.check_in import Consequence
from config.pack_loader import load_pack
from config.suspension import Verdict
from kiosk_agent.identity.keys import FileKey
from recorder.archive.tables import METADATA as RECORDER_TABLES
from tests.support.terminals import signed_in

DUMP = (Path(__file__).parent / "database_0_1_0.sql").read_text("utf-8")
TOKEN = "token-of-the-version-before"
STARTS = datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture
def former(tmp_path):
    path = tmp_path / "former.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(DUMP)
    connection.close()
    return path


@pytest.fixture
async def former_store(former, clock):
    url = f"sqlite+aiosqlite:///{former}"
    await migrate(url)
    async with Store(url, clock) as store:
        yield store


def schema(path):
    """Return every statement that made the tables, indexes and triggers, without regard to their order, nor to that of
    the columns and constraints in them, which a table that is made anew has in any order."""
    connection = sqlite3.connect(path)
    made = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    connection.close()
    return sorted(sorted(line.strip().rstrip(",") for line in text.splitlines()) for text in made)


class TestSchema:
    async def test_is_after_its_migration_that_of_a_new_database(self, former, url):
        await migrate(f"sqlite+aiosqlite:///{former}")
        assert schema(former) == schema(Path(url.removeprefix("sqlite+aiosqlite:///")))


LOST = """UPDATE snapshots SET data = '{"state": "ended", "end": {"reason": "no_show",
"at": "2026-03-02T02:15:00+00:00", "side": "visitor", "by": "", "article": "广东 第二十三条", "cause": "",
"lost": "month"}}' WHERE session = 'ses_1'"""


class TestWhatATimerTookFromVisitors:
    """Guangdong 23: it stays in force, says that a person has to confirm it, and can be taken back."""

    async def test_becomes_a_forfeit_that_an_officer_takes_back(self, former, clock):
        connection = sqlite3.connect(former)
        connection.execute(LOST)
        connection.commit()
        connection.close()
        url = f"sqlite+aiosqlite:///{former}"
        await migrate(url)
        async with Store(url, clock) as store:
            absence = await store.absence_of("ses_1")
            assert absence is not None and absence.state is AbsenceState.FORFEITED
            (step,) = absence.decided
            assert (step.by, step.consequence, step.article) == ("", Consequence.MONTH, "广东 第二十三条")
            assert "待人工确认" in step.reason and step.people == absence.people == ("per_2",)
            slot = await store.slot_of_session("ses_1")
            back = decide(
                absence,
                slot,
                load_pack("guangdong"),
                Decision.TAKE_BACK,
                by="li",
                site=absence.site,
                reason="桌面漏勾",
                now=absence.at,
            )
            await store.add_absence_decision(back)
            assert (await store.absence_of("ses_1")).state is AbsenceState.TAKEN_BACK

    async def test_of_other_ends_nothing_is_made(self, former_store):
        assert await former_store.absences() == [] and await former_store.rebookings() == []


class TestRows:
    async def test_places_and_terminals_are_read(self, former_store):
        sites = {site.id: (site.kind, site.name, site.parent) for site in await former_store.sites()}
        assert sites["panlong"] == (SiteKind.BUREAU, "盘龙区司法局", "yunnan")
        assert [room.id for room in await former_store.rooms()] == ["p1", "v1"]
        (terminal,) = await former_store.terminals()
        assert (terminal.room, terminal.site, terminal.state) == ("v1", "panlong", TerminalState.TOKEN)

    async def test_a_terminals_token_opens_nothing_and_is_exchanged_for_a_key_once(self, former_store):
        token, key = f"trm_{TOKEN}", PublicKey(FileKey.new().public, "file")
        assert await former_store.terminal_by_token(token) is None
        assert token_hash(token) not in await former_store.authors_by_token_hash()
        terminal = await former_store.migrate_terminal(token, key)
        assert (terminal.room, terminal.state, terminal.public_key) == ("v1", TerminalState.ACTIVE, key.der)
        with pytest.raises(EnrolmentRefused):
            await former_store.migrate_terminal(token, PublicKey(FileKey.new().public, "file"))
        assert await signed_in(former_store, terminal.id)

    async def test_accounts_tokens_and_keys_are_read(self, former_store):
        user = await former_store.user_by_token(f"usr_{TOKEN}")
        assert user is not None and (user.id, user.role) == ("li", Role.SUPERVISOR)
        key = await former_store.api_key_by_token(f"key_{TOKEN}")
        assert key is not None and key.name == "省预约平台"

    async def test_a_slot_and_all_that_belongs_to_its_session_is_read(self, former_store):
        slot = await former_store.slot_of_session("ses_1")
        assert (slot.starts_at, slot.minutes, slot.external_id) == (STARTS, 30, "YY-1")
        assert [(person.side, person.name) for person in slot.people] == [(Side.PRISON, "张某"), (Side.VISITOR, "李某")]
        snapshot = await former_store.snapshot("ses_1")
        assert snapshot is not None and snapshot.data == {"state": "ended", "end": {"code": "completed"}}
        (extension,) = await former_store.extensions_of("ses_1")
        assert (extension.added, extension.article) == (timedelta(minutes=10), "云南 第十四条")
        (suspension,) = await former_store.suspensions()
        assert (suspension.person, suspension.taken[0].verdict) == ("per_2", Verdict.APPROVE)

    async def test_every_table_of_the_recorder_has_its_row(self, former_store):
        async with reading(former_store.engine) as db:
            for table in RECORDER_TABLES.tables.values():
                if table.name == "exports":  # version 0.1.0 had none
                    continue
                rows = (await db.execute(select(table))).mappings().all()
                assert len(rows) == 1, table.name
                assert all(value.tzinfo is UTC for value in rows[0].values() if isinstance(value, datetime)), table.name


class TestJournal:
    async def test_it_verifies_and_goes_on(self, former_store, clock):
        async with Journal(former_store.engine, clock) as journal:
            assert await journal.verify() is None
            journal.note("SiteAdded", None, "command:root", {"site": "after", "name": "之后"})
            await journal.flush()
            assert await journal.verify() is None
            assert [entry.seq for entry in await journal.entries()] == [1, 2, 3, 4]

    async def test_a_change_of_a_former_entry_is_found(self, former, former_store, clock):
        connection = sqlite3.connect(former)
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("UPDATE journal SET author = 'command:other' WHERE seq = 2")
        connection.commit()
        connection.close()
        async with Journal(former_store.engine, clock) as journal:
            assert await journal.verify() == 2
