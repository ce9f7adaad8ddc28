"""The newest statements about a site and by it: one for each pair, and none that is not genuine."""

import json
from datetime import timedelta
from pathlib import Path

from recorder.evidence.site_chain import NAME
from recorder.witness.keys import AWAY, PRIVATE
from recorder.witness.newest import newest_of
from recorder.witness.night import witness_heads
from tests.recorder.witness.test_check import MEETINGS, NIGHT, made, root
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL

__all__ = ["made", "root"]


def test_are_those_about_the_site_first_and_then_its_own(root: Path) -> None:
    found = newest_of(root, "bureau")
    assert [(each.witness, each.of) for each in found] == [
        ("prison-a", "bureau"),
        ("prison-b", "bureau"),
        ("bureau", "prison-a"),
        ("bureau", "prison-b"),
    ]
    assert {each.at for each in found} == {(WALL + timedelta(days=1) + NIGHT).isoformat()}  # of the second night
    assert all(each.key and each.signature and each.line.startswith("CHAIN ") for each in found)


def test_leave_out_what_the_witness_has_not_signed(root: Path) -> None:
    chain = root / "prison-a" / NAME
    lines = [json.loads(line) for line in chain.read_bytes().splitlines()]
    for line in lines:
        if "statement" in line:
            line["statement"]["head"] = f"9:{'0' * 64}"
    chain.write_bytes(b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines))
    assert "prison-a" not in {each.witness for each in newest_of(root, "bureau")}


def test_have_no_signature_of_a_witness_whose_key_is_kept_elsewhere(tmp_path: Path) -> None:
    root, keys = tmp_path / "archive", tmp_path / "keys"
    (keys / PRIVATE / "bureau").mkdir(parents=True)
    (keys / PRIVATE / "bureau" / AWAY).touch()
    archived(make_work(root, "session_one", WALL, 1.0, **MEETINGS[0]), root)
    archived(make_work(root, "session_two", WALL, 1.0, **{**MEETINGS[0], "site": "bureau"}), root)
    witness_heads(root, keys, signer(root), WALL)
    theirs, ours = newest_of(root, "prison-a")
    assert (theirs.witness, theirs.key, theirs.signature) == ("bureau", "", "")
    assert (ours.witness, len(ours.signature)) == ("prison-a", 88)


def test_are_none_where_there_is_no_archive(tmp_path: Path) -> None:
    assert newest_of(tmp_path, "bureau") == []
