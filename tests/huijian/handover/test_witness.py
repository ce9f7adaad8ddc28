"""`huijian witness` and `huijian verify --witness`."""

import asyncio
from datetime import timedelta

import pytest

from broker.kernel.clock import SystemClock
from recorder.evidence.verify import verify
from tests.recorder.witness.test_check import falsify
from tests.support.recording.archives import archived, make_work


@pytest.fixture
def root(place):
    """Make an archive of two visits of today."""
    place.joinpath("data").mkdir(mode=0o700)
    root, now = place / "data" / "archive", SystemClock().now().wall
    for number in (1, 2):
        started = now - timedelta(minutes=number)
        archived(make_work(root, f"session_{number}", started, 1.0), root, started + timedelta(seconds=1))
    return root


def test_a_chain_that_was_rewritten_whole_is_found_by_what_others_have_witnessed(huijian, root, place):
    assert "no head was ever witnessed" in huijian("verify", "--witness").err
    assert huijian("witness", "now", "--json").json == {"sites": ["visitor-site"]}
    assert huijian("witness", "now", "--json").json == {"sites": ["prison-site"]}, "now the bureau has a chain, too"
    whole = huijian("verify", "--witness")
    assert whole.code == 0 and "--witness-keys" in whole.err
    assert "--witness-keys" not in huijian("verify", "--witness", "--witness-keys", "data/archive/.witness").err
    for path in root.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    falsify(root, "prison-site", "session_1")
    assert asyncio.run(asyncio.to_thread(verify, None, root)).ok
    answer = huijian("verify", "--witness")
    assert answer.code == 4 and "REWRITTEN" in answer.out and "visitor-site witnessed" in answer.out


def test_heads_are_printed_as_codes_for_the_ledger(huijian, root, place):
    assert huijian("witness", "print", "heads.html").code == 0
    html = (place / "heads.html").read_text(encoding="utf-8")
    head = verify(None, root).heads["prison-site"]
    assert f"CHAIN prison-site {head}" in html and "<svg" in html
    (place / "heads.txt").write_text(f"CHAIN prison-site {head}\n", encoding="utf-8")
    assert huijian("verify", "--heads", "heads.txt").code == 0
    assert huijian("witness", "print", "none.html", "--site", "nowhere").code == 2


def test_witnesses_are_of_the_whole_archive(huijian, root):
    assert huijian("verify", "session_1", "--witness").code == 2
