"""Legal holds stand in the database and in the signed chain of the site: neither alone can lose one."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from broker.kernel.database import engine_for, writing
from broker.kernel.errors import Conflict, NotFound, StorageUnavailable
from broker.kernel.hash_chain import digest
from recorder.archive.catalog import ARCHIVED, RECORDING
from recorder.archive.tables import HEADS, HOLDS
from recorder.evidence.chain_facts import ChainFacts, ChainHold, Entry, facts_in, fault
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import lines_of_site
from recorder.evidence.verify import verify
from recorder.retention.due_proof import Held
from recorder.retention.hold_repair import (
    LIFTED_BY_HAND,
    NOT_ENTERED,
    ROW_MISSING,
    UNFINISHED_LIFT,
    differences,
    repair,
)
from recorder.retention.holds import Chains, Holds
from recorder.retention.plan import Plan, Scope, plan_of
from recorder.retention.removal import remove
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL
from tests.support.recording.purging import DUE, PurgeSetup

SITE = "prison-site"


class HoldSetup(PurgeSetup):
    """An archive whose holds are entered into its chains, and a plan that reads them."""

    @property
    def trusted(self) -> Keys:
        return Keys([signer(self.root).public])

    @property
    def holds(self) -> Holds:
        return Holds(self.engine, Chains(self.root, signer(self.root), self.trusted))

    async def hold(self, session: str = "session_one", reason: str = "法院调取") -> int:
        return await self.holds.add(session, reason, "shen", self.wall)

    async def lift(self, session: str = "session_one") -> int:
        return await self.holds.lift(session, "结案", "wang", self.wall)

    async def repaired(self) -> list[str]:
        return [found.kind for found in await repair(self.engine, self.holds, self.wall)]

    async def kept(self) -> dict[str, int]:
        return (await self.planned()).kept

    async def planned(self) -> Plan:
        return await plan_of(self.engine, await self.full_scope())

    async def full_scope(self) -> Scope:
        return Scope(self.wall, None, {}, None, await self.holds.facts())

    def chain(self, site: str = SITE) -> Path:
        return self.root / site / "chain.jsonl"

    async def change(self, statement: Any) -> None:
        async with writing(self.engine) as db:
            await db.execute(statement)

    async def stays(self) -> None:
        """Check that nothing deletes the recording: neither a plan that knows the chains, nor one that does not."""
        folder = next(self.root.rglob("session_one"))
        assert (await self.planned()).recordings == 0
        plan = await plan_of(self.engine, self.scope())
        if plan.recordings:
            outcome = await self.order(await self.approval(await self.code(plan)), plan.scope)
            assert outcome.deleted == 0
        assert folder.exists() and (folder / "session.mp4").exists()


@pytest.fixture
async def setup(tmp_path: Path, database: str) -> AsyncIterator[HoldSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    setup = HoldSetup(engine, tmp_path / "archive")
    await setup.recording("session_one")
    await ChainHeads(engine).advance(setup.root, SITE, WALL)
    yield setup
    await engine.dispose()


class TestAHold:
    async def test_is_a_signed_line_with_author_reason_and_moment(self, setup: HoldSetup) -> None:
        await setup.hold()
        line = json.loads(lines_of_site(setup.root, SITE)[-1])
        assert (line["kind"], line["session"], line["by"], line["reason"]) == (
            "hold",
            "session_one",
            "shen",
            "法院调取",
        )
        assert line["at"] == DUE.isoformat() and line["number"] == 1 and setup.trusted.vouch(line) == ""
        report = verify(None, setup.root, setup.trusted)
        assert report.ok and report.holds == {"session_one": SITE}
        await setup.stays()

    async def test_keeps_its_files_from_whatever_would_remove_them(self, setup: HoldSetup) -> None:
        """The last check stands beside the files and asks the chain alone."""
        await setup.hold()
        folder = next(setup.root.rglob("session_one"))
        with pytest.raises(Held):
            remove(setup.root, PurePosixPath(folder.relative_to(setup.root)), "session_one", setup, setup.trusted)
        assert (folder / "session.mp4").exists()

    async def test_that_is_lifted_lets_the_recording_go(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.hold(reason="a second one")
        assert await setup.lift() == 2
        report = verify(None, setup.root, setup.trusted)
        assert report.ok and report.holds == {}
        assert (await setup.apply()).deleted == 1

    async def test_on_a_recording_that_is_not_finished_is_found_when_it_is(self, setup: HoldSetup) -> None:
        row = {"session": "session_two", "site": "other-site", "state": RECORDING, "announced": False}
        await setup.catalog.put(row | {"created_at": WALL})
        await setup.hold("session_two")
        done = archived(make_work(setup.root, "session_two", site="other-site"), setup.root)
        assert done["head"].startswith("1:")
        assert (await setup.holds.facts()).held == {"session_two"}
        assert verify(None, setup.root, setup.trusted).ok

    async def test_is_refused_once_the_files_are_gone(self, setup: HoldSetup) -> None:
        await setup.apply()
        with pytest.raises(Conflict):
            await setup.hold()

    async def test_stays_where_its_chain_cannot_be_written(self, setup: HoldSetup) -> None:
        setup.chain().write_bytes(setup.chain().read_bytes() + b"{}\n")
        with pytest.raises(StorageUnavailable, match="the hold stays"):
            await setup.hold()
        await setup.stays()


class TestALostDatabase:
    async def test_forgets_no_hold(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.change(delete(HOLDS))
        await setup.stays()
        assert await setup.repaired() == [ROW_MISSING]
        (row,) = await setup.holds.listed()
        assert (row["session"], row["reason"], row["by"], row["at"]) == ("session_one", "法院调取", "shen", DUE)
        await setup.stays()
        assert await setup.repaired() == []

    async def test_remembers_that_a_hold_was_lifted(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.lift()
        await setup.change(delete(HOLDS))
        assert await setup.repaired() == [ROW_MISSING]
        (row,) = await setup.holds.listed(all=True)
        assert (row["lifted_by"], row["lifted_why"], row["lifted_at"]) == ("wang", "结案", DUE)
        assert (await setup.apply()).deleted == 1

    async def test_restored_from_before_the_hold_is_no_less_safe(self, setup: HoldSetup) -> None:
        """Its heads are older than the chain, which still holds them."""
        head = (await ChainHeads(setup.engine).all())[SITE]
        await setup.hold()
        await setup.change(delete(HOLDS))
        await setup.change(update(HEADS).values(head=head))
        await setup.stays()

    async def test_with_all_its_rows_keeps_the_recording(self, setup: HoldSetup) -> None:
        await setup.hold()
        for table in (HOLDS, HEADS):
            await setup.change(delete(table))
        await setup.stays()


class TestTampering:
    async def test_a_row_that_was_lifted_by_hand_stands_again(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.change(update(HOLDS).values(lifted_at=WALL, lifted_by="x", lifted_why="x"))
        await setup.stays()
        assert await setup.repaired() == [LIFTED_BY_HAND]
        assert len(await setup.holds.listed()) == 1

    async def test_a_row_that_was_made_to_look_old_is_made_again(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.change(update(HOLDS).values(lifted_at=WALL, lifted_by="x", lifted_why="x", entry=None))
        await setup.stays()
        assert await setup.repaired() == [ROW_MISSING]

    @pytest.mark.parametrize("place", ["last", "in the middle"])
    async def test_a_line_taken_out_of_the_chain_is_named_and_keeps_the_site(
        self, setup: HoldSetup, place: str
    ) -> None:
        await setup.hold()
        if place == "in the middle":
            await setup.recording("session_two", WALL + timedelta(days=1))
            await ChainHeads(setup.engine).advance(setup.root, SITE, DUE)
        lines = lines_of_site(setup.root, SITE)
        setup.chain().write_bytes(b"".join(line + b"\n" for line in lines if b'"kind":"hold"' not in line))
        await setup.change(delete(HOLDS))
        assert verify(None, setup.root, setup.trusted, {SITE: [(await ChainHeads(setup.engine).all())[SITE]]}).damages
        assert (await setup.kept()) == {"broken_chain": 1}
        assert SITE in (await setup.holds.facts()).broken
        await setup.stays()

    async def test_an_altered_line_keeps_the_site_and_the_hold(self, setup: HoldSetup) -> None:
        await setup.hold()
        setup.chain().write_bytes(setup.chain().read_bytes().replace(b"session_one", b"session_two"))
        await setup.change(delete(HOLDS))
        await setup.stays()
        assert not verify(None, setup.root, setup.trusted).ok

    async def test_a_lift_without_a_signature_lifts_nothing(self, setup: HoldSetup) -> None:
        await setup.hold()
        (hold,) = (await setup.holds.facts()).holds
        line = {"kind": "lift", "hold": hold, "session": "session_one", "reason": "x", "by": "x", "at": DUE.isoformat()}
        forged = json.dumps({**line, "number": 1, "manifest": "", "before": "0" * 64}, separators=(",", ":"))
        setup.chain().write_bytes(setup.chain().read_bytes() + forged.encode() + b"\n")
        await setup.change(update(HOLDS).values(lifted_at=WALL, lifted_by="x", lifted_why="x"))
        assert (await setup.holds.facts()).held == {"session_one"}
        await setup.stays()
        with pytest.raises(Conflict, match="verify"):
            await setup.lift()

    async def test_a_chain_that_is_gone_keeps_everything(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.change(delete(HOLDS))
        setup.chain().unlink()
        await setup.stays()
        await setup.change(delete(HEADS))  # nothing but the manifest now says that there was a chain
        await setup.stays()

    async def test_a_chain_that_cannot_be_read_keeps_everything(self, setup: HoldSetup) -> None:
        await setup.hold()
        await setup.change(delete(HOLDS))
        setup.chain().unlink()
        setup.chain().mkdir()
        assert (await setup.kept()) == {"broken_chain": 1}
        await setup.stays()


class TestACrash:
    async def test_between_row_and_line_is_completed(self, setup: HoldSetup, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Holds, "enter", _killed)
            with pytest.raises(KeyboardInterrupt):
                await setup.hold()
        await setup.stays()
        assert await setup.repaired() == [NOT_ENTERED]
        assert (await setup.holds.facts()).held == {"session_one"}
        assert await setup.repaired() == []

    async def test_between_line_and_row_of_a_lift_is_completed(
        self, setup: HoldSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await setup.hold()
        with monkeypatch.context() as patch:
            patch.setattr("recorder.retention.holds.HOLDS", None)
            with pytest.raises(AttributeError):
                await setup.lift()
        await setup.stays()
        assert await setup.repaired() == [UNFINISHED_LIFT]
        assert await setup.holds.listed() == [] and (await setup.apply()).deleted == 1

    async def test_in_the_middle_of_a_line_leaves_a_hold_that_is_entered_again(self, setup: HoldSetup) -> None:
        await setup.hold()
        whole = setup.chain().read_bytes()
        setup.chain().write_bytes(whole[:-20])  # the machine lost its power
        await setup.change(delete(HEADS))
        await setup.stays()
        assert await setup.repaired() == [NOT_ENTERED]
        assert (await setup.holds.facts()).broken == {} and verify(None, setup.root, setup.trusted).ok

    async def test_by_a_kill_while_a_hold_is_set_loses_none_that_was_confirmed(
        self, setup: HoldSetup, database: str
    ) -> None:
        script = (
            "import asyncio, sys\n"
            "from pathlib import Path\n"
            "from broker.kernel.database import engine_for\n"
            "from recorder.evidence.signing import Keys\n"
            "from recorder.retention.holds import Chains, Holds\n"
            "from tests.support.recording.archives import signer\n"
            "from tests.support.recording.purging import DUE\n"
            "async def main():\n"
            "    root = Path(sys.argv[2]); key = signer(root)\n"
            "    holds = Holds(engine_for(sys.argv[1]), Chains(root, key, Keys([key.public])))\n"
            "    while True:\n"
            "        print(await holds.add('session_one', 'x', 'shen', DUE), flush=True)\n"
            "asyncio.run(main())\n"
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, database, str(setup.root)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert process.stdout is not None
        confirmed = [int(await process.stdout.readline()) for _ in range(3)]
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await setup.repaired()
        assert await setup.repaired() == []
        assert set(confirmed) <= {row["id"] for row in await setup.holds.listed()}
        assert verify(None, setup.root, setup.trusted).ok
        await setup.change(delete(HOLDS))
        await setup.stays()


class TestHoldsOfVersion010:
    """Their rows have no entry in any chain."""

    async def test_that_stand_are_entered(self, setup: HoldSetup) -> None:
        await Holds(setup.engine).add("session_one", "调取", "shen", WALL)
        assert await setup.repaired() == [NOT_ENTERED]
        await setup.change(delete(HOLDS))
        await setup.stays()

    async def test_that_were_lifted_stay_lifted(self, setup: HoldSetup) -> None:
        await Holds(setup.engine).add("session_one", "调取", "shen", WALL)
        await Holds(setup.engine).lift("session_one", "结案", "shen", WALL)
        assert await setup.repaired() == []
        assert (await setup.apply()).deleted == 1


class TestAPurgeThatWasOrdered:
    async def test_stops_at_a_hold_that_only_the_chain_has(self, setup: HoldSetup) -> None:
        plan = await plan_of(setup.engine, setup.scope())
        approval = await setup.approval(await setup.code(plan))
        await setup.hold()
        await setup.change(delete(HOLDS))
        outcome = await setup.order(approval, plan.scope)
        assert (outcome.deleted, outcome.kept) == (0, [("session_one", "held")])
        assert await setup.state("session_one") == ARCHIVED

    async def test_deletes_what_is_not_held_beside_it(self, setup: HoldSetup) -> None:
        other = await setup.recording("session_two", WALL)
        await setup.hold()
        await setup.change(delete(HOLDS))
        outcome = await setup.apply()
        assert outcome.deleted == 1 and not other.exists()
        await setup.stays()


async def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def _hold(number: int, lifted: bool) -> ChainHold:
    entry = Entry("shen", "x", DUE.isoformat())
    return ChainHold(f"hld_{number}", f"ses_{number % 3}", SITE, entry, entry if lifted else None)


@given(
    st.dictionaries(st.integers(0, 9), st.booleans()),
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), unique_by=lambda pair: pair[0]),
)
def test_every_hold_that_stands_anywhere_is_in_agreement_or_named(
    chain: dict[int, bool], rows: list[tuple[int, bool]]
) -> None:
    facts = ChainFacts({f"hld_{number}": _hold(number, lifted) for number, lifted in chain.items()})
    table = [
        {"entry": f"hld_{number}", "session": f"ses_{number % 3}", "lifted_at": DUE if lifted else None}
        for number, lifted in rows
    ]
    named = {difference.hold for difference in differences(table, facts)}
    agreed = {f"hld_{number}" for number, lifted in rows if chain.get(number) is lifted}
    assert named == ({*facts.holds} | {str(row["entry"]) for row in table}) - agreed


class TestAChain:
    @pytest.fixture
    async def lines(self, setup: HoldSetup) -> tuple[list[bytes], Keys]:
        await setup.hold()
        await setup.recording("session_two", WALL + timedelta(days=1))
        await setup.hold("session_two")
        await setup.lift()
        return lines_of_site(setup.root, SITE), setup.trusted

    async def test_is_whole_as_it_was_written(self, lines: tuple[list[bytes], Keys]) -> None:
        assert fault(*lines, None) == "" and fault([], lines[1], None) == ""

    async def test_is_not_with_any_line_missing_altered_or_exchanged(self, lines: tuple[list[bytes], Keys]) -> None:
        whole, keys = lines
        head = f"2:{digest(whole[-1])}"
        spoils: list[Callable[[int], list[bytes]]] = [
            lambda at: whole[:at] + whole[at + 1 :],
            lambda at: [
                *whole[:at],
                whole[at].replace(b'"by":', b'"bY":').replace(b"manifest", b"manifesT"),
                *whole[at + 1 :],
            ],
            lambda at: [*whole[:at], *reversed(whole[at : at + 2]), *whole[at + 2 :]] if at + 1 < len(whole) else [],
        ]
        for spoil in spoils:
            for at in range(len(whole)):
                assert fault(spoil(at), keys, head), at

    async def test_is_not_by_another_key(self, lines: tuple[list[bytes], Keys]) -> None:
        assert "unknown key" in fault(lines[0], Keys([]), None)


async def test_a_session_without_any_recording_cannot_be_held(setup: HoldSetup) -> None:
    with pytest.raises(NotFound):
        await setup.hold("session_none")
    assert facts_in(setup.root, setup.trusted, {}).held == frozenset()
