"""`huijian admin journal verify`, as an auditor uses it: here, and elsewhere with copies and a public key alone."""

import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from broker.control.journal.entry import Entry
from recorder.evidence.checkpoints import CheckpointChain
from recorder.evidence.signing import PUBLIC_FOLDER, installed
from tests.broker.control.journal.test_comparison import rehashed

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
VERIFY = ("admin", "journal", "verify")


@pytest.fixture
def data(huijian, place):
    """An installation with twelve entries, and checkpoints at 4, 8 and 10, of which a copy lies elsewhere."""
    for number in range(12):
        add = ("admin", "sites", "add", f"site-{number}", "--kind", "prison", "--name", "n", "--policy", "yunnan")
        assert huijian(*add).code == 0
    folder = place / "data"
    chain = CheckpointChain(folder / "archive", folder / "keys", installed(folder / "keys", folder / "archive"))
    heads = dict(sqlite3.connect(folder / "huijian.sqlite").execute("SELECT seq, hash FROM journal"))
    for seq in (4, 8, 10):
        chain.append(seq, heads[seq], AT, "interval")
    (place / "elsewhere").mkdir()
    shutil.copy(chain.path, place / "elsewhere" / "copy.jsonl")
    (key,) = (folder / "archive" / PUBLIC_FOLDER).iterdir()
    shutil.copy(key, place / "elsewhere" / "key.pem")
    return folder


def tamper(data, act, anew=True):
    """Do what a hand with the database may: drop the triggers, change the rows, make the hashes anew."""
    connection = sqlite3.connect(data / "huijian.sqlite", isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    entries = act([Entry(*row) for row in connection.execute("SELECT * FROM journal ORDER BY seq")])
    connection.execute("DELETE FROM journal")
    for entry in rehashed(entries) if anew else entries:
        connection.execute(f"INSERT INTO journal VALUES ({','.join('?' * 8)})", tuple(entry.columns().values()))
    connection.close()


def changed(entries, seq):
    return [Entry(**{**one.columns(), "author": "x"}) if one.seq == seq else one for one in entries]


class TestHere:
    def test_a_whole_journal_and_what_is_not_covered_yet(self, huijian, data):
        answer = huijian(*VERIFY)
        assert answer.code == 0
        assert "WHOLE 12 entries" in answer.out and "日志完整" in answer.out
        assert "COVERED entries 1..10 by checkpoint 3" in answer.out
        assert "UNCOVERED entries 11..12 not yet covered" in answer.out

    def test_an_end_that_was_removed_behind_the_last_checkpoint_is_not_seen_and_that_is_said(self, huijian, data):
        tamper(data, lambda entries: entries[:10])
        answer = huijian(*VERIFY)
        assert answer.code == 0 and "WHOLE 10 entries" in answer.out
        seconds = json.loads(huijian(*VERIFY, "--json").out)["unseen_seconds"]
        found = re.search(r"UNSEEN entries of the last (\d+) s, since checkpoint 3, would not be missed", answer.out)
        assert found is not None and 0 <= seconds - int(found[1]) < 3600 and "若从末尾被删" in answer.out

    def test_hashes_made_anew(self, huijian, data):
        tamper(data, lambda entries: changed(entries, 6))
        answer = huijian(*VERIFY)
        assert answer.code == 4
        assert "REWRITTEN the journal was written anew from an entry in 5..8 on" in answer.out
        assert "checkpoint 1 (2026-03-02T02:00:00+00:00) still fits, checkpoint 2..3 does not" in answer.out
        assert "自第 5 至 8 条之间某条起日志被重写" in answer.out

    def test_a_checkpoint_that_was_signed_after_the_rewriting_does_not_hide_it(self, huijian, data):
        tamper(data, lambda entries: changed(entries, 6))
        (head,) = sqlite3.connect(data / "huijian.sqlite").execute("SELECT hash FROM journal WHERE seq = 12").fetchone()
        chain = CheckpointChain(data / "archive", data / "keys", installed(data / "keys", data / "archive"))
        chain.append(12, head, AT, "start")
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "entry in 5..8 on" in answer.out
        assert "COVERED entries 1..12 by checkpoint 4, which was signed after that" in answer.out

    def test_a_removed_end(self, huijian, data):
        tamper(data, lambda entries: entries[:9])
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "END_REMOVED the journal ends at entry 9" in answer.out
        assert "older than its checkpoints" in answer.out and "旧备份" in answer.out

    def test_a_removed_middle(self, huijian, data):
        tamper(data, lambda entries: [one for one in entries if one.seq not in (6, 7)], anew=False)
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "REMOVED entries 6..7 are missing" in answer.out and "第 6 至 7 条" in answer.out

    def test_a_removed_middle_with_hashes_made_anew(self, huijian, data):
        tamper(data, lambda entries: [one for one in entries if one.seq not in (6, 7)])
        assert "entry in 5..8 on" in huijian(*VERIFY).out

    def test_an_emptied_journal(self, huijian, data):
        tamper(data, lambda entries: [])
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "ends at entry 0" in answer.out

    def test_an_end_behind_the_last_checkpoint_is_not_known_to_be_missing(self, huijian, data):
        tamper(data, lambda entries: entries[:11])
        answer = huijian(*VERIFY)
        assert answer.code == 0 and "UNCOVERED entries 11..11" in answer.out

    def test_checkpoints_that_were_removed_with_the_end(self, huijian, data, place):
        path = data / "archive" / ".journal" / "checkpoints.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in path.read_bytes().splitlines()[:1]))
        tamper(data, lambda entries: entries[:4])
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "2..3 removed from" in answer.out  # beside the key stands how many there were
        (data / "keys" / "checkpoints.json").unlink()
        assert huijian(*VERIFY).code == 0  # nothing on the machine shows it any more
        answer = huijian(*VERIFY, "--checkpoints", "elsewhere/copy.jsonl")
        assert answer.code == 4 and "removed from" in answer.out and "copy.jsonl still has them" in answer.out
        assert "the journal ends at entry 4" in answer.out and "仍有" in answer.out

    def test_a_wrong_signature_and_a_missing_one(self, huijian, data):
        path = data / "archive" / ".journal" / "checkpoints.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"seq":8', b'"seq":7'))
        answer = huijian(*VERIFY)
        assert answer.code == 4 and "the signature does not match" in answer.out
        assert "2 missing in" in answer.out and "though a later one exists" in answer.out

    def test_for_scripts(self, huijian, data):
        tamper(data, lambda entries: changed(entries, 6))
        values = json.loads(huijian(*VERIFY, "--json").out)
        (finding,) = values["findings"]
        assert (values["whole"], values["covered"], values["uncovered"]) == (False, 4, [5, 12])
        assert (finding["kind"], finding["first"], finding["last"], finding["fits"]) == ("rewritten", 5, 8, 1)
        assert finding["en"] and finding["zh"]

    def test_without_any_database(self, huijian, place):
        assert huijian(*VERIFY).code == 3
        assert not (place / "data").exists(), "a check makes nothing"

    def test_a_journal_without_entries_is_nothing_to_check(self, huijian, data):
        tamper(data, lambda entries: [])
        shutil.rmtree(data / "archive" / ".journal")
        (data / "keys" / "checkpoints.json").unlink()
        assert huijian(*VERIFY).code == 1


class TestElsewhere:
    """The check on another machine, with a copied database, copied checkpoints and the public key."""

    @pytest.fixture
    def away(self, data, place, monkeypatch):
        connection = sqlite3.connect(data / "huijian.sqlite")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        shutil.copy(data / "huijian.sqlite", place / "elsewhere" / "copy.sqlite")
        shutil.rmtree(data)
        monkeypatch.chdir(place / "elsewhere")
        (place / "elsewhere").chmod(0o555)  # evidence is not written beside
        yield place / "elsewhere"
        (place / "elsewhere").chmod(0o755)

    ARGS = ("--database", "copy.sqlite", "--checkpoints", "copy.jsonl", "--public-key", "key.pem")

    def test_a_whole_copy(self, huijian, away):
        before = (away / "copy.sqlite").read_bytes()
        answer = huijian(*VERIFY, *self.ARGS)
        assert answer.code == 0 and "COVERED entries 1..10" in answer.out
        assert sorted(path.name for path in away.iterdir()) == ["copy.jsonl", "copy.sqlite", "key.pem"]
        assert (away / "copy.sqlite").read_bytes() == before

    def test_a_changed_copy(self, huijian, away):
        away.chmod(0o755)
        (away / "huijian.sqlite").symlink_to("copy.sqlite")
        tamper(away, lambda entries: changed(entries, 9))
        answer = huijian(*VERIFY, *self.ARGS)
        assert answer.code == 4 and "entry in 9..10 on" in answer.out

    def test_with_the_wrong_key(self, huijian, away, place):
        installed(place / "other-keys", place / "other-archive")
        (key,) = (place / "other-archive" / PUBLIC_FOLDER).iterdir()
        answer = huijian(*VERIFY, *self.ARGS[:4], "--public-key", str(key))
        assert answer.code == 4 and "unknown key" in answer.out

    def test_with_a_file_that_has_no_checkpoint(self, huijian, away):
        answer = huijian(*VERIFY, "--database", "copy.sqlite", "--checkpoints", "key.pem", "--public-key", "key.pem")
        assert answer.code == 2 and "there is no checkpoint in it" in answer.err
        assert huijian(*VERIFY, *self.ARGS[:3], "none.jsonl").code == 2

    def test_with_a_database_that_is_none(self, huijian, away):
        assert huijian(*VERIFY, "--database", "key.pem").code == 3
        assert huijian(*VERIFY, "--database", "none").code == 3
