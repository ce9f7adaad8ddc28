"""`huijian verify` prints WHOLE only where at least one recording was checked and nothing is damaged."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.database import engine_for
from config.pack_loader import load_pack
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import installed
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import WALL

ONE = ("ses_a",)
LEDGER, PACKAGE, JOURNAL, HEADS = (("--" + name, f"{name}.x") for name in ("ledger", "package", "journal", "heads"))


@pytest.mark.parametrize(
    "args",
    [
        (*LEDGER, *PACKAGE),
        (*JOURNAL, *LEDGER),
        (*PACKAGE, "--witness"),
        (*LEDGER, "--witness"),
        (*JOURNAL, *HEADS),
        (*JOURNAL, *ONE),
        (*PACKAGE, "--archive", "x"),
        (*ONE, "--all"),
        (*ONE, *HEADS),
        (*ONE, "--witness"),
        (*PACKAGE, "--witness-keys", "x"),
        ("--witness-keys", "x"),
    ],
)
def test_what_does_not_go_together_is_a_wrong_usage_and_none_of_it_is_left_out(huijian, args):
    answer = huijian("verify", *args)
    assert answer.code == 2 and ("goes with" in answer.err or "not both" in answer.err)


class TestAnArchive:
    def test_that_is_empty_is_not_called_whole(self, huijian):
        answer = huijian("verify")
        assert answer.code == 1 and "WHOLE" not in answer.out

    def test_does_not_know_a_session_that_was_never_recorded(self, huijian):
        answer = huijian("verify", "ses_unknown", "--json")
        assert answer.code == 1
        assert answer.json["ok"] is False
        assert [damage["kind"] for damage in answer.json["damages"]] == ["not_found"]

    @pytest.mark.parametrize("where", ["option", "settings"])
    def test_with_a_film_without_its_manifest_is_damaged(self, huijian, place, where):
        archive = place / ("elsewhere" if where == "option" else "data/archive")
        folder = archive / "first-prison" / "2026" / "03" / "02" / "ses_a"
        folder.mkdir(parents=True)
        (folder / "session.mp4").write_bytes(b"not a film")
        more = ("--archive", str(archive)) if where == "option" else ()
        answer = huijian("verify", str(folder), *more)
        assert answer.code == 4
        assert answer.out.startswith("MISSING") and "WHOLE" not in answer.out


class TestAPublicKey:
    """An archive and one public key that was kept elsewhere are enough."""

    def test_proves_the_origin(self, huijian, place):
        root = place / "elsewhere" / "archive"
        archived(make_work(root), root)
        (pem,) = (root / ".keys").iterdir()
        whole = huijian("verify", "--all", "--archive", str(root), "--public-key", str(pem))
        assert whole.code == 0 and "WHOLE 1 recordings" in whole.out and "CHAIN prison-site 1:" in whole.out
        other = installed(place / "other", place / "other-archive")
        (wrong,) = (place / "other-archive" / ".keys").iterdir()
        answer = huijian("verify", "session_one", "--archive", str(root), "--public-key", str(wrong), "--json")
        assert other.key and answer.code == 4
        assert "signature" in {damage["kind"] for damage in answer.json["damages"]}

    def test_that_is_none_is_a_wrong_usage(self, huijian, place):
        (place / "key.pem").write_text("no key")
        assert huijian("verify", "--public-key", "key.pem").code == 2

    def test_names_the_second(self, huijian, place):
        root = place / "data" / "archive"
        film = root / archived(make_work(root), root)["path"]
        data = bytearray(film.read_bytes())
        data[len(data) // 2] ^= 1
        film.chmod(0o600)
        film.write_bytes(data)
        answer = huijian("verify", "session_one")
        assert answer.code == 4 and answer.out.startswith(f"CHANGED {film} second ")


class TestOnTheMachineThatRecorded:
    """The installation's own key and database prove more than the archive can by itself."""

    @pytest.fixture
    def root(self, place):
        root = place / "data" / "archive"
        archived(make_work(root), root)
        return root

    def test_only_its_own_key_is_trusted(self, huijian, place, root):
        answer = huijian("verify", "--json")
        assert answer.code == 0 and (answer.json["keys"], answer.json["compared"]) == ("installation", [])
        installed(place / "other", root)
        answer = huijian("verify")
        assert answer.code == 4 and answer.out.startswith("KEY ")

    def test_elsewhere_a_warning_names_the_source_of_the_keys(self, huijian, place, root):
        root.rename(place / "moved")
        answer = huijian("verify", "--archive", "moved")
        assert answer.code == 0 and "WARNING: the keys were taken from the archive itself" in answer.err

    def test_a_chain_that_was_cut_is_found_by_what_was_printed_before(self, huijian, place, root):
        archived(make_work(root, "session_two"), root)
        (place / "kept.txt").write_text(huijian("verify").out)
        assert huijian("verify", "--heads", "kept.txt").code == 0
        chain = root / "prison-site" / "chain.jsonl"
        chain.write_bytes(chain.read_bytes().splitlines(keepends=True)[0])
        answer = huijian("verify", "--heads", "kept.txt", "--json")
        assert answer.code == 4 and {"cut", "added"} == {one["kind"] for one in answer.json["damages"]}
        (place / "empty.txt").write_text("x")
        assert huijian("verify", "--heads", "empty.txt").code == 2
        assert huijian("verify", "--heads", "none.txt").code == 2

    def test_an_archive_that_is_gone_is_missed_by_the_database(self, huijian, place, root):
        assert huijian("admin", "sites", "list").code == 0  # makes the database

        async def keep():
            engine = engine_for(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}")
            await ChainHeads(engine).advance_all(root, WALL)
            await engine.dispose()

        asyncio.run(keep())
        assert huijian("verify", "--json").json["compared"] == ["database"]
        (root / "prison-site").rename(place / "taken")
        answer = huijian("verify")
        assert answer.code == 4 and answer.out.startswith("MISSING")

    def test_no_database_is_created_by_the_check(self, huijian, place, root):
        assert "compared with nothing" in huijian("verify").err
        assert not (place / "data" / "huijian.sqlite").exists()


class TestTheFrozenPack:
    """A manifest names the hash of the rules that its session froze; the database has their text."""

    PACK, OTHER = load_pack("yunnan"), load_pack("guangdong")

    @pytest.fixture
    def root(self, huijian, place):
        root = place / "data" / "archive"
        names = {"name": self.PACK.name, "version": self.PACK.version, "sha256": self.PACK.sha256}
        archived(make_work(root, policy={**names, "retention_months": 6}), root)
        assert huijian("admin", "sites", "list").code == 0  # makes the database

        async def keep():
            async with Store(f"sqlite+aiosqlite:///{place / 'data' / 'huijian.sqlite'}", SystemClock()) as store:
                await store.keep_pack(self.PACK)
                await store.keep_pack(self.OTHER)

        asyncio.run(keep())
        return root

    def change(self, place, statement, *values):
        """Change the database behind the back of the system."""
        with closing(sqlite3.connect(place / "data" / "huijian.sqlite")) as db, db:
            db.execute(statement, values)

    def test_is_hashed_again_and_agrees(self, huijian, root):
        answer = huijian("verify")
        assert answer.code == 0 and f"PACK yunnan {self.PACK.version} {self.PACK.sha256} 1 recordings" in answer.out
        assert "规则包文本" not in answer.err

    @pytest.mark.parametrize("target", ["session_one", "--all"])
    def test_whose_text_was_changed_in_the_database_is_named(self, huijian, place, root, target):
        text = self.PACK.canonical.replace("30", "31", 1)
        self.change(place, "UPDATE packs SET canonical = ? WHERE sha256 = ?", text, self.PACK.sha256)
        answer = huijian("verify", target)
        assert answer.code == 4
        assert answer.out.startswith(f"FROZEN_PACK {self.PACK.sha256} (规则包文本与冻结的散列不符")

    def test_that_no_recording_names_is_checked_with_the_whole_archive(self, huijian, place, root):
        self.change(place, "UPDATE packs SET canonical = '{}' WHERE sha256 = ?", self.OTHER.sha256)
        assert huijian("verify", "session_one").code == 0
        answer = huijian("verify", "--json")
        assert answer.code == 4 and [damage["path"] for damage in answer.json["damages"]] == [self.OTHER.sha256]

    def test_whose_text_is_gone_is_a_damage_where_a_visit_of_this_installation_froze_it(self, huijian, place, root):
        self.change(place, "DELETE FROM packs")
        assert huijian("verify").code == 0  # recorded elsewhere, where its text is
        self.change(
            place,
            "INSERT INTO visits (session, moment, state, interventions, alerts, officers, extended, pack, named, "
            "facets, indexed_at) VALUES ('session_one', 0, 'ended', '[]', 0, '[]', 0, ?, 0, '[]', 0)",
            self.PACK.sha256,
        )
        answer = huijian("verify")
        assert answer.code == 4 and answer.out.startswith(f"FROZEN_PACK {self.PACK.sha256} (规则包文本缺失")

    def test_of_an_archive_elsewhere_is_said_not_to_have_been_compared(self, huijian, place, root):
        root.rename(place / "moved")
        answer = huijian("verify", "--archive", "moved")
        assert answer.code == 0 and "未核对规则包文本" in answer.err
