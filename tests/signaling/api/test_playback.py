"""Playing a recording by range (RFC 9110, 14): from any place, for auditors of its sites, with a journal entry."""

import asyncio
import hashlib
import shutil
from datetime import timedelta

import pytest

from broker.control.journal.reader import entries
from broker.control.store.records import Role
from recorder.archive.catalog import Catalog
from recorder.viewcopy.worker import view_path
from signaling.api import playback
from signaling.server import pages
from signaling.server.errors import PreconditionFailed
from signaling.server.ranges import RangeNotSatisfiable, part_of
from tests.support import probe
from tests.support.control.fixtures import TEN
from tests.support.patience import PATIENCE
from tests.support.recording.archives import archived, make_work

BYTES = bytes(range(256)) * 4000
TAG = hashlib.sha256(BYTES).hexdigest()
ETAG = '"tag"'
ABUSED = (
    *("bytes=0-0,-1", "bytes=" + "0-," * 2000, "bytes=" + ",".join(["0-999999"] * 500), "bytes=9-0", "bytes=-0"),
    *("bytes=999999999999999999-", "bytes=0-999999999999999999", "bytes=-999999999999999999", "bytes=--5"),
    *("bytes=18446744073709551615-", "bytes=0-18446744073709551616"),
)
BEHIND = ("bytes=-0", "bytes=999999999999999999-")
CUT = ("bytes=0-999999999999999999", "bytes=-999999999999999999")


@pytest.fixture
async def film(front):
    """Return the address of a finished recording's film."""
    session = await front.visit()
    path = f"first-prison/2026/03/02/{session}/session.mp4"
    file = front.context.settings.archive_dir / path
    file.parent.mkdir(parents=True)
    file.write_bytes(BYTES)
    row = {"session": session, "site": "first-prison", "path": path, "sha256": TAG, "bytes": len(BYTES)}
    row |= {"state": "archived", "announced": True, "started_at": TEN, "ended_at": TEN, "created_at": TEN}
    await Catalog(front.store.engine).put(row)
    return f"/api/v1/recordings/{session}/film"


class TestRanges:
    @pytest.mark.parametrize(
        ("asked", "part"),
        [
            ({}, (200, 0, 100)),
            ({"Range": "bytes=0-"}, (206, 0, 100)),
            ({"Range": "bytes=10-19"}, (206, 10, 10)),
            ({"Range": "bytes=90-1000"}, (206, 90, 10)),
            ({"Range": "bytes=-5"}, (206, 95, 5)),
            ({"Range": "bytes=-500"}, (206, 0, 100)),
            ({"Range": "bytes=99-99"}, (206, 99, 1)),
            ({"Range": "bytes=5-4"}, (200, 0, 100)),
            ({"Range": "bytes=-"}, (200, 0, 100)),
            ({"Range": "bytes=a-b"}, (200, 0, 100)),
            ({"Range": "lines=1-2"}, (200, 0, 100)),
            ({"Range": "bytes=0-1,5-6"}, (200, 0, 100)),
            ({"Range": "bytes=10-19", "If-Range": ETAG}, (206, 10, 10)),
            ({"Range": "bytes=10-19", "If-Range": '"other"'}, (200, 0, 100)),
            ({"Range": "bytes=10-19", "If-Range": "Sun, 22 Nov 2026 00:00:00 GMT"}, (200, 0, 100)),
            ({"If-None-Match": f'"x", {ETAG}'}, (304, 0, 0)),
            ({"If-None-Match": '"x"'}, (200, 0, 100)),
            ({"If-None-Match": "*"}, (304, 0, 0)),
            ({"If-None-Match": "*", "Range": "bytes=0-1"}, (304, 0, 0)),
            ({"Range": "Bytes=10-19"}, (206, 10, 10)),
            ({"If-Match": "*", "Range": "bytes=10-19"}, (206, 10, 10)),
            ({"If-Match": f'"x", {ETAG}'}, (200, 0, 100)),
            ({"If-Match": ETAG, "If-None-Match": ETAG}, (304, 0, 0)),
        ],
    )
    def test_are_answered_with(self, asked, part):
        found = part_of(asked, ETAG, 100)
        assert (found.status, found.start, found.count) == part

    @pytest.mark.parametrize("asked", ["bytes=100-", "bytes=1000-2000", "bytes=-0"])
    def test_behind_the_end_are_refused(self, asked):
        with pytest.raises(RangeNotSatisfiable):
            part_of({"Range": asked}, ETAG, 100)

    @pytest.mark.parametrize("wanted", ['"other"', f"W/{ETAG}", ""])
    def test_of_another_file_fail_by_their_precondition(self, wanted):
        with pytest.raises(PreconditionFailed):
            part_of({"If-Match": wanted, "If-None-Match": "*"}, ETAG, 100)


class TestPlaying:
    async def test_whole(self, front, film):
        answer = await front.ask("GET", film, "auditor")
        assert (answer.status, answer.content_type) == (200, "video/mp4")
        assert await answer.read() == BYTES and answer.headers["ETag"] == f'"{TAG}"'
        assert answer.headers["Accept-Ranges"] == "bytes" and answer.headers["Cache-Control"] == "no-store"

    async def test_from_a_place_in_the_middle(self, front, film):
        answer = await front.ask("GET", film, "auditor", headers={"Range": "bytes=500000-500999"})
        assert (answer.status, await answer.read()) == (206, BYTES[500_000:501_000])
        assert answer.headers["Content-Range"] == f"bytes 500000-500999/{len(BYTES)}"

    @pytest.mark.parametrize("wanted", ABUSED, ids=lambda wanted: wanted[:20])
    async def test_no_range_gets_more_than_the_whole_once(self, front, film, wanted):
        """Many, overlapping, backward and huge ones get one part, the whole, or a refusal; never several parts."""
        answer = await front.ask("GET", film, "auditor", headers={"Range": wanted})
        assert answer.status == (416 if wanted in BEHIND else 206 if wanted in CUT else 200)
        assert answer.content_type == ("application/problem+json" if wanted in BEHIND else "video/mp4")
        assert answer.status == 416 or await answer.read() == BYTES

    @pytest.mark.parametrize(
        "headers", [{}, {"Range": "bytes=5-9"}, {"If-None-Match": f'"{TAG}"'}, {"If-Match": '"b"'}]
    )
    async def test_every_answer_has_the_safe_headers(self, front, film, headers):
        answer = await front.ask("GET", film, "auditor", headers=headers)
        assert {name: answer.headers.get(name) for name in pages.HEADERS} == pages.HEADERS

    async def test_an_unchanged_film_is_304_and_a_range_behind_the_end_416(self, front, film):
        same = await front.ask("GET", film, "auditor", headers={"If-None-Match": f'"{TAG}"'})
        assert same.status == 304 and await same.read() == b""
        answer = await front.refused(
            "range_not_satisfiable", "GET", film, "auditor", headers={"Range": "bytes=99999999-"}
        )
        assert answer.headers["Content-Range"] == f"bytes */{len(BYTES)}"

    async def test_a_head_request_learns_only_its_size(self, front, film):
        for headers in ({}, {"Range": "bytes=5-9"}):  # a range means something for GET alone (RFC 9110, 14.2)
            answer = await front.ask("HEAD", film, "auditor", headers=headers)
            assert (answer.status, await answer.read()) == (200, b"")
            assert int(answer.headers["Content-Length"]) == len(BYTES)
            assert answer.headers["ETag"] == f'"{TAG}"' and answer.headers["Content-Type"] == "video/mp4"
        answer = await front.client.request("HEAD", film, headers={"Authorization": f"Bearer {front.tokens['admin']}"})
        assert answer.status == 403

    async def test_another_file_than_the_wanted_one_is_not_sent(self, front, film):
        headers = {"If-Match": '"other"'}
        await front.refused("precondition_failed", "GET", film, "auditor", headers=headers)

    async def test_is_journaled_once_a_minute_for_each_viewer(self, front, film):
        for second in (0, 30, 70):
            front.clock.forward(timedelta(seconds=second) if second else timedelta(0))
            await front.ask("GET", film, "auditor", headers={"Range": "bytes=0-9"})
        played = await front.noted("RecordingPlayed")
        assert [(one.author, one.data) for one in played] == [("user:auditor", '{"copy":"film"}')] * 2

    async def test_is_on_disk_before_the_first_byte_and_refused_where_it_cannot_be(self, front, film, monkeypatch):
        seen = []
        send = playback.send

        async def look(*args):
            seen.append([one.kind for one in await entries(front.store.engine)].count("RecordingPlayed"))
            await send(*args)

        monkeypatch.setattr(playback, "send", look)
        await front.ask("GET", film, "auditor")
        assert seen == [1]
        with monkeypatch.context() as patch:

            async def full():
                raise OSError("disk full")

            patch.setattr(front.journal, "_write_some", full)
            front.clock.forward(timedelta(minutes=2))
            for _ in range(2):  # the second request, too: its entry is still waiting
                await front.refused("storage_unavailable", "GET", film, "auditor")
        assert seen == [1]
        async with asyncio.timeout(PATIENCE):
            while not front.journal.healthy(front.clock.now().mono):
                await asyncio.sleep(0.05)  # it tries again by itself
        assert (await front.ask("GET", film, "auditor")).status == 200 and seen == [1, 2]

    async def test_a_viewer_who_leaves_is_no_incident(self, front, film):
        headers = {"Authorization": f"Bearer {front.tokens['auditor']}"}
        for _ in range(3):
            answer = await front.client.get(film, headers=headers)
            await answer.content.read(10)
            answer.close()
        await asyncio.sleep(0)
        assert (await front.ask("GET", film, "auditor")).status == 200


class TestPermission:
    async def test_auditors_of_both_sites_and_of_the_province(self, front, film):
        for user, site in (("here", "first-prison"), ("there", "panlong")):
            await front.add_user(user, "审", Role.AUDITOR, "a long enough secret", site)
            token = await front.store.issue_user_token(user, timedelta(hours=1))
            assert (await front.ask("GET", film, token)).status == 200

    async def test_other_roles_may_not_and_for_other_sites_it_does_not_exist(self, front, film):
        await front.refused("not_found", "GET", film, "foreign-auditor")
        for caller in ("admin", "prison-sup", "approver", "clerk", "p1", "booking"):
            await front.refused("forbidden", "GET", film, caller)
        assert await front.noted("RecordingPlayed") == []

    @pytest.mark.parametrize(
        "change", [{"state": "purged"}, {"state": "failed"}, {"path": "../../etc/passwd"}, {"path": "x/none.mp4"}]
    )
    async def test_a_recording_without_a_film_cannot_be_played(self, front, film, change):
        await Catalog(front.store.engine).set(film.split("/")[4], **change)
        await front.refused("not_found", "GET", film, "auditor")

    async def test_there_is_no_way_to_delete_a_recording_by_the_api(self, front, film):
        for path in (film, film.removesuffix("/film")):
            for method in ("DELETE", "PUT", "POST", "PATCH"):
                await front.refused("method_not_allowed", method, path, "admin")


class TestOneSide:
    @pytest.fixture
    async def recorded(self, front, film):
        """Return the address of a recording with a real film."""
        session = film.split("/")[4]
        file = front.context.settings.archive_dir / f"first-prison/2026/03/02/{session}/session.mp4"
        root = file.parents[1] / "made"
        shutil.copy(root / archived(make_work(root), root)["path"], file)
        return film.removesuffix("/film")

    async def test_is_played_by_range_and_journaled(self, front, recorded, tmp_path):
        for side in ("prison", "visitor"):
            answer = await front.ask("GET", f"{recorded}/sides/{side}", "auditor")
            whole, tag = await answer.read(), answer.headers["ETag"]
            assert (answer.status, answer.content_type) == (200, "video/mp4") and tag == f'"{TAG}-{side}-1"'
            (tmp_path / "side.mp4").write_bytes(whole)
            titles = [one["tags"]["handler_name"] for one in probe.probe(tmp_path / "side.mp4")["streams"]]
            assert titles == [f"{side} video", f"{side} audio"]
            headers = {"Range": "bytes=70000-170000", "If-Range": tag}
            answer = await front.ask("GET", f"{recorded}/sides/{side}", "auditor", headers=headers)
            assert (answer.status, await answer.read()) == (206, whole[70_000:170_001])
            same = await front.ask("GET", f"{recorded}/sides/{side}", "auditor", headers={"If-None-Match": tag})
            assert same.status == 304
        played = await front.noted("RecordingPlayed")
        assert [one.data for one in played] == ['{"copy":"prison"}', '{"copy":"visitor"}']

    async def test_the_voices_of_officers_are_a_film_of_their_own(self, front, recorded, tmp_path):
        answer = await front.ask("GET", f"{recorded}/sides/supervisors", "auditor")
        (tmp_path / "voices.mp4").write_bytes(await answer.read())
        titles = [stream["tags"]["handler_name"] for stream in probe.probe(tmp_path / "voices.mp4")["streams"]]
        assert titles == ["supervisors"]
        assert [entry.data for entry in await front.noted("RecordingPlayed")] == ['{"copy":"supervisors"}']

    async def test_that_does_not_exist_is_not_found(self, front, recorded, film):
        await front.refused("not_found", "GET", f"{recorded}/sides/inmate", "auditor")
        await front.refused("not_found", "GET", f"{recorded}/sides/prison", "foreign-auditor")
        await front.refused("forbidden", "GET", f"{recorded}/sides/prison", "admin")

    async def test_of_a_file_that_is_no_film_is_not_found(self, front, film):
        await front.refused("not_found", "GET", film.removesuffix("film") + "sides/prison", "auditor")


class TestTheViewCopy:
    async def test_is_ordered_followed_and_played(self, front, film):
        session = film.split("/")[4]
        base = film.removesuffix("/film")
        await front.refused("not_found", "GET", f"{base}/view", "auditor")
        assert (await front.ask("GET", f"{base}/copy", "auditor")).data["state"] == "none"
        assert (await front.ask("POST", f"{base}/copy", "auditor")).status == 202
        assert (await front.ask("GET", f"{base}/copy", "auditor")).data == {
            "state": "queued", "progress": 0.0, "bytes": None, "reason": None,
        }  # fmt: skip
        views = front.context.views
        assert (await views.take(TEN))[0] == session
        await front.refused("conflict", "POST", f"{base}/copy", "auditor")
        file = view_path(front.context.settings.archive_dir, session)
        file.parent.mkdir(parents=True)
        file.write_bytes(b"a copy")
        await views.ready(session, {"bytes": 6, "sha256": "cd" * 32}, TEN)
        answer = await front.ask("GET", f"{base}/view", "auditor", headers={"Range": "bytes=2-"})
        assert (answer.status, await answer.read()) == (206, b"copy")
        assert [one.data for one in await front.noted("RecordingPlayed")] == ['{"copy":"view"}']
        assert len(await front.noted("ViewCopyOrdered")) == 1

    async def test_is_for_its_auditors_only(self, front, film):
        base = film.removesuffix("/film")
        for method, path in (("GET", "view"), ("GET", "copy"), ("POST", "copy")):
            await front.refused("not_found", method, f"{base}/{path}", "foreign-auditor")
            await front.refused("forbidden", method, f"{base}/{path}", "admin")
