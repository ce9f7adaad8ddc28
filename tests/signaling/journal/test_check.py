"""An export of the journal: whole it proves itself by a public key alone, and whatever byte is changed is found."""

import asyncio
import io
import json
import random
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook

from broker.control.journal.entry import digest_of
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import BadRequest, NotFound
from broker.kernel.hash_chain import GENESIS
from recorder.evidence.checkpoints import CheckpointChain
from recorder.evidence.signing import Keys, installed, trusted
from signaling.journal import source
from signaling.journal.check import check
from signaling.journal.order import ENTRIES, MANIFEST, WORKBOOK, Order
from signaling.journal.package import build
from signaling.journal.source import line_of, lines_of, numbers_of
from tests.broker.control.journal.test_comparison import chained

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NOTES = [
    "=1+1",
    "@SUM(A1)",
    "+86",
    "-2+3",
    "\t=1",
    "\r=1",
    "话\u202e里",
    "话\u3164里",
    "<b>话</b>",
    "\x1b[2J",
    "a\nb",
    "话" * 40_000,
]


@pytest.fixture
def entries():
    """Thirty entries of a longer journal, some with notes that are no plain words."""
    contents = [json.dumps({"text": NOTES[number % len(NOTES)]}) for number in range(40)]
    return chained(contents)[10:]


@pytest.fixture
def order(tmp_path, entries):
    """An order for them; checkpoints sign the entries 5, 20 and 38."""
    archive, keys, folder = tmp_path / "archive", tmp_path / "keys", tmp_path / "folder"
    archive.mkdir()
    folder.mkdir()
    chain = CheckpointChain(archive, keys, installed(keys, archive))
    chain.append(5, "a" * 64, AT, "interval")
    for seq in (20, 38):
        chain.append(seq, entries[seq - 11].hash, AT, "interval")
    return Order(
        since=date(2026, 3, 2),
        until=date(2026, 3, 2),
        first=11,
        last=40,
        by="shen",
        reason="法院调取",
        made_at=AT.isoformat(),
        archive_dir=str(archive),
        keys_dir=str(keys),
        signing="Ed25519",
        folder=str(folder),
    )


@pytest.fixture
def keys(order, tmp_path):
    return trusted(tmp_path / "keys")


@pytest.fixture
def file(order, entries, tmp_path):
    made = build(order, map(line_of, entries))
    assert made.entries == 30
    return tmp_path / "folder" / order.name


def found(path, keys):
    return [(finding.kind, finding.place) for finding in check(path, keys).findings]


def edited(file, name, change):
    """Write the export anew with one file changed, as a hand with an archiver does."""
    with zipfile.ZipFile(file) as packed:
        members = {one: packed.read(one) for one in packed.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(file, "w") as packed:
        for member, data in members.items():
            packed.writestr(member, data)
    return file


class TestAWholeExport:
    def test_proves_itself_and_says_how_far_checkpoints_vouch(self, file, keys):
        checked = check(file, keys)
        assert checked.findings == [] and (checked.covered, checked.checkpoint) == (38, 3)
        assert (checked.manifest["first"], checked.manifest["last"], checked.manifest["reason"]) == (11, 40, "法院调取")

    def test_also_unpacked_and_packed_again(self, file, keys, tmp_path):
        with zipfile.ZipFile(file) as packed:
            packed.extractall(tmp_path / "unpacked")
        assert found(tmp_path / "unpacked", keys) == []
        again = tmp_path / "again.zip"
        with zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in (tmp_path / "unpacked").iterdir():
                packed.write(path, path.name)
        assert found(again, keys) == []

    def test_is_readable_as_a_workbook_in_which_nothing_is_a_formula(self, file):
        with zipfile.ZipFile(file) as packed:
            sheet = load_workbook(io.BytesIO(packed.read(WORKBOOK)))["日志"]
        rows = list(sheet.iter_rows(min_row=2))
        assert len(rows) == 30 and all(cell.data_type == "s" for row in rows for cell in row if cell.value is not None)
        assert rows[0][0].value == "11" and rows[0][1].value.startswith("2026-03-02 09:00:")
        text = " ".join(str(row[5].value) for row in rows)
        assert "=1+1" in text and not {"\u202e", "\u3164"} & set(text) and "\\u202e" in text and "\x1b" not in text

    def test_has_only_the_checkpoints_that_concern_it(self, file):
        with zipfile.ZipFile(file) as packed:
            lines = packed.read("checkpoints.jsonl").splitlines()
        assert [json.loads(line)["seq"] for line in lines] == [5, 20, 38]


class TestAByteThatIsChanged:
    def test_in_an_entry_is_named_with_its_number(self, file, keys):
        data = file.read_bytes()
        start, end = data.index(b'{"at"'), data.index(b"checkpoint", data.index(b'{"at"'))
        lines = data[start:end].split(b"\n")[:30]
        place = start
        for number, line in enumerate(lines[:6], 11):
            changed = bytearray(data)
            changed[place + len(line) // 2] ^= 1
            file.write_bytes(changed)
            assert ("entry", str(number)) in found(file, keys), number
            place += len(line) + 1

    def test_is_found_wherever_it_is(self, file, keys):
        data, chance = file.read_bytes(), random.Random(7)
        with zipfile.ZipFile(file) as packed:
            spans = [(one.header_offset + 30 + len(one.filename), one.file_size) for one in packed.infolist()]
        places = [start + chance.randrange(size) for start, size in spans for _ in range(12) if size]
        missed = []
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1 << chance.randrange(8)
            file.write_bytes(changed)
            missed += [] if found(file, keys) else [place]
        assert missed == []

    def test_that_joins_two_lines_names_both_and_spoils_no_more(self, file, keys):
        path = edited(file, ENTRIES, lambda data: data.replace(b"\n", b" ", 1))
        assert found(path, keys) == [("entry", "11"), ("entry", "12")]


class TestAnExportThatWasEdited:
    def test_an_entry_removed(self, file, keys):
        path = edited(file, ENTRIES, lambda data: b"".join(data.splitlines(True)[:4] + data.splitlines(True)[6:]))
        assert found(path, keys) == [("entry", "15..16")]

    def test_the_end_removed(self, file, keys):
        path = edited(file, ENTRIES, lambda data: b"".join(data.splitlines(True)[:-2]))
        assert found(path, keys) == [("entry", "39..40")]

    def test_all_hashes_made_anew(self, file, keys, entries):
        made, before = [], entries[0].prev_hash
        for entry in entries:
            entry = replace(entry, author="x" if entry.seq == 15 else entry.author, prev_hash=before, hash="")
            entry = replace(entry, hash=digest_of(entry))
            made.append(entry)
            before = entry.hash
        path = edited(file, ENTRIES, lambda _: b"".join(map(line_of, made)))
        assert ("entry", "20") in found(path, keys) and ("entry", "38") in found(path, keys)

    def test_another_file_in_it(self, file, keys):
        with zipfile.ZipFile(file, "a") as packed:
            packed.writestr("verdict.txt", "genuine")
        assert found(file, keys) == [("file", "verdict.txt")]

    def test_a_file_missing(self, file, keys):
        with zipfile.ZipFile(file) as packed:
            members = {one: packed.read(one) for one in packed.namelist() if one != ENTRIES}
        with zipfile.ZipFile(file, "w") as packed:
            for member, data in members.items():
                packed.writestr(member, data)
        assert ("file", ENTRIES) in found(file, keys)

    def test_another_reason(self, file, keys):
        path = edited(file, MANIFEST, lambda data: data.replace("法院".encode(), "公安".encode()))
        assert ("signature", MANIFEST) in found(path, keys)

    def test_a_key_that_is_not_trusted(self, file):
        assert ("signature", MANIFEST) in found(file, Keys([]))

    @pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"{}", b"\x00" * 100])
    def test_what_is_no_export(self, file, keys, data):
        file.write_bytes(data)
        assert [kind for kind, _ in found(file, keys)] == ["file"]

    @pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"kind":"journal-export"}', b"[" * 5000])
    def test_a_manifest_that_says_nothing(self, file, keys, data):
        assert found(edited(file, MANIFEST, lambda _: data), keys) == [("file", MANIFEST)]


class TestWhichEntries:
    """A journal of two days in Shanghai, and the numbers of each."""

    async def fill(self, front):
        for number in range(4):
            front.context.journal.note("tick", None, "broker", {"number": number})
        await front.context.journal.flush()
        return await front.context.journal.entries()

    async def test_are_those_of_days_in_shanghai(self, front, monkeypatch):
        monkeypatch.setattr(source, "PAGE", 2)
        written = await self.fill(front)
        day, engine = in_shanghai(datetime.fromisoformat(written[0].at)).date(), front.store.engine
        assert await numbers_of(engine, day, day) == (1, len(written))
        lines = [line async for line in lines_of(engine, 1, len(written))]
        assert lines == [line_of(entry) for entry in written] and written[0].prev_hash == GENESIS

    async def test_are_refused_where_there_are_none_or_too_many(self, front, monkeypatch):
        await self.fill(front)
        engine = front.store.engine
        with pytest.raises(NotFound):
            await numbers_of(engine, date(2020, 1, 1), date(2020, 1, 2))
        for since, until in ((date(2020, 1, 2), date(2020, 1, 1)), (date(2020, 1, 1), date(2022, 1, 1))):
            with pytest.raises(BadRequest):
                await numbers_of(engine, since, until)
        monkeypatch.setattr(source, "MOST_ENTRIES", 3)
        with pytest.raises(BadRequest):
            await numbers_of(engine, date(2026, 1, 1), date(2026, 12, 31))


def test_a_program_that_does_not_answer_leaves_nothing(tmp_path):
    """The folder of an export goes with it, also where the process fails."""
    from broker.kernel.errors import Busy
    from config.settings import Settings
    from signaling.journal.builder import JournalExports

    settings = Settings.load(data_dir=tmp_path, run_dir=tmp_path / "run")
    order = Order(
        since=date(2026, 3, 2), until=date(2026, 3, 2), first=1, last=0, by="shen", reason="x", made_at="",
        archive_dir=str(tmp_path / "archive"), keys_dir=str(tmp_path / "keys"), signing="no-such-kind", folder="",
    )  # fmt: skip

    async def work():
        async with JournalExports(settings, None).made(order):
            raise AssertionError("made without a key")

    with pytest.raises(Busy):
        asyncio.run(work())
    assert list((tmp_path / "run").iterdir()) == []
