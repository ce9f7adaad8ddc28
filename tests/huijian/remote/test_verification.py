"""`huijian verify --server`: the server reads a recording whole; the answer and the exit code are as on its machine."""

import pytest

from tests.support.history.recorded import recorded_visit


@pytest.fixture
async def session(front):
    return await recorded_visit(front)


async def test_a_recording_that_was_not_changed_is_whole(front, there, session):
    whole = await there("auditor", "verify", session)
    assert whole.code == 0 and whole.out.startswith("WHOLE 验证通过"), whole.err
    assert [entry.author for entry in await front.noted("VerificationOrdered")] == ["user:auditor"]


async def test_a_flipped_byte_is_named_and_the_exit_code_says_so(front, there, session):
    (film,) = front.context.settings.archive_dir.glob("first-prison/*/*/*/*/session.mp4")
    film.chmod(0o600)
    data = bytearray(film.read_bytes())
    data[len(data) // 2] ^= 1
    film.write_bytes(data)
    damaged = await there("auditor", "verify", session)
    assert damaged.code == 4 and damaged.out.startswith("CHANGED ") and "录像原件" in damaged.out
    again = await there("auditor", "verify", session, "--json")
    assert again.code == 4 and again.json["ok"] is False and again.json["session"] == session


async def test_it_is_refused_as_over_http(there, session):
    assert (await there("foreign-auditor", "verify", session)).code == 1
    assert (await there("prison-sup", "verify", session)).code == 1


@pytest.mark.parametrize(
    "args", [(), ("--all",), ("archive/ses_x",), ("ses_x", "--witness"), ("--package", "x"), ("--journal", "x")]
)
async def test_what_lies_elsewhere_is_checked_where_it_lies(there, place, args):
    answer = await there("auditor", "verify", *args)
    assert answer.code == 1 and "own machine alone" in answer.err and "请去掉 --server" in answer.err
    assert not (place / "data").exists()
