"""An archive that version 0.1.0 wrote is verified, read, played and purged by the present version.

tests/support/recording/archive_of_0_1_0 holds two recordings of one site: one of a single part with a view copy, and
one that was joined from two parts of which the second was not finished. Its private key no longer exists.
"""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker.kernel.database import engine_for
from recorder.alarms import Alarms
from recorder.archive.disk_space import Rules
from recorder.archive.manifest import stored_coverage
from recorder.evidence.report import Report
from recorder.evidence.signing import Keys, public_key
from recorder.evidence.verify import verify
from recorder.mp4.side_film import SideFilm
from recorder.recovery import Recovery
from recorder.retention.due_proof import NotDue
from tests.support import probe
from tests.support.recording.archives import signer
from tests.support.recording.feed import WALL
from tests.support.recording.purging import DUE, PurgeSetup

OLDER = Path(__file__).parents[2] / "support" / "recording" / "archive_of_0_1_0"
KEY = public_key(OLDER / "public_key.pem")
HEAD = "2:7c6b1d9bdc38fde3130a1501df9fd97b78dd41146296b96568b7ac6bbb35d62a"
FOLDER = "prison-site/2026/11/22"
SESSIONS = ("session_one", "session_two")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the archive with the modes that the recorder gives its files."""
    root = tmp_path / "archive"
    shutil.copytree(OLDER / "archive", root)
    for folder in (root / FOLDER).iterdir():
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
    return root


def verified(root: Path) -> Report:
    return verify(None, root, Keys([KEY]), {"prison-site": [HEAD]})


class TestAnArchiveOfVersion010:
    def test_verifies_as_whole(self, root: Path) -> None:
        report = verified(root)
        assert report.ok, report.damages
        assert (report.recordings, report.copies, report.heads) == (2, 1, {"prison-site": HEAD})

    def test_names_the_second_of_a_changed_byte(self, root: Path) -> None:
        film = root / FOLDER / "session_two" / "session.mp4"
        data = bytearray(film.read_bytes())
        data[len(data) // 2] ^= 1
        film.chmod(0o600)
        film.write_bytes(data)
        (damage, *_) = verified(root).damages
        assert (damage.path, damage.kind) == (film, "changed") and damage.second is not None

    @pytest.mark.parametrize("session", SESSIONS)
    def test_plays_whole_and_by_side(self, root: Path, tmp_path: Path, session: str) -> None:
        film = root / FOLDER / session / "session.mp4"
        assert probe.complaints(film) == ""
        assert all(abs(length - (1.5 if session == "session_one" else 4.5)) < 0.1 for length in probe.lengths(film))
        for side in ("prison", "visitor"):
            side_film, copy = SideFilm(film.open("rb"), side), tmp_path / f"{side}.mp4"
            copy.write_bytes(side_film.read(1 << 30))
            side_film.close()
            assert probe.complaints(copy) == "" and len(probe.probe(copy)["streams"]) == 2

    @pytest.mark.parametrize("session", SESSIONS)
    def test_has_a_coverage_that_is_computed_alike(self, root: Path, session: str) -> None:
        coverage = stored_coverage(root / FOLDER / session / "session.mp4")
        assert coverage["kept"] and [officer["user"] for officer in coverage["officers"]] == ["li", "wang"]


class TestItsRetention:
    @pytest.fixture
    async def purging(self, root: Path, database: str) -> AsyncIterator[PurgeSetup]:
        """The archive under a new installation, which has entered both recordings and trusts the older key."""
        engine = engine_for(database)
        found = PurgeSetup(engine, root, keys=Keys([KEY, signer(root).public]))
        alarms = Alarms(root, Rules(0, 0), found.catalog, found, lambda _fact, **_: None)
        differences = await Recovery(root, found.catalog, found, alarms).review()
        assert [(one.kind, one.session) for one in differences] == [("file_without_row", name) for name in SESSIONS]
        yield found
        await engine.dispose()

    async def test_keeps_each_recording_for_six_months(self, purging: PurgeSetup) -> None:
        purging.wall = DUE - timedelta(seconds=1)
        assert (await purging.plan()).recordings == 0
        for session in SESSIONS:
            row = await purging.catalog.row(session)
            assert row is not None and (row["state"], row["due_at"]) == ("archived", DUE)
        with pytest.raises(NotDue):
            await purging.apply()
        assert row["started_at"] == WALL + timedelta(hours=1)

    async def test_ends_with_a_purge_that_leaves_the_chain_whole(self, purging: PurgeSetup, root: Path) -> None:
        outcome = await purging.apply()
        assert (outcome.deleted, outcome.kept, outcome.failed) == (2, [], [])
        assert [path.name for path in (root / "prison-site").iterdir()] == ["chain.jsonl"]
        report = verify(None, root, purging.keys, {"prison-site": [HEAD]})
        assert report.damages == [] and report.heads["prison-site"].startswith("2:")
