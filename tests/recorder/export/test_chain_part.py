"""The part of a chain that goes with a recording: enough to prove it, and no words about others."""

import json
from pathlib import Path
from typing import Any

from recorder.evidence.signing import installed, trusted
from recorder.evidence.site_chain import HOLD, PURGE, VISIT, open_chain
from recorder.export.chain_part import check_part, part_of


def chain(root: Path, *lines: dict[str, Any]) -> list[bytes]:
    signer = installed(root / "keys", root / "archive")
    with open_chain(root / "archive", "prison-site") as opened:
        for line in lines:
            opened.append({"number": 0, "manifest": "", **line}, signer)
        return list(opened.lines)


def visit(session: str, number: int) -> dict[str, Any]:
    return {"kind": VISIT, "session": session, "number": number}


def hold(session: str) -> dict[str, Any]:
    return {"kind": HOLD, "session": session, "hold": f"hld_{session}", "by": "shen", "reason": "案号"}


class TestPart:
    def test_begins_with_the_line_of_the_visit_and_reaches_to_the_head(self, tmp_path: Path) -> None:
        lines = chain(tmp_path, visit("a", 1), visit("b", 2), visit("c", 3))
        part = part_of(lines, "b")
        assert (part.lines, part.first, part.complete) == (lines[1:], 2, True)
        assert part.newest == f"3:{part.end}"
        index = {"chain": part.to_json()}
        assert list(check_part(part.lines, index, trusted(tmp_path / "keys"))) == []

    def test_ends_before_the_reason_of_a_hold_on_another_visit(self, tmp_path: Path) -> None:
        lines = chain(tmp_path, visit("a", 1), visit("b", 2), hold("a"), hold("b"), visit("c", 3))
        part = part_of(lines, "a")
        assert part.lines == lines[:3] and not part.complete
        part = part_of(lines, "b")
        assert part.lines == lines[1:2] and part.newest.startswith("3:") and not part.newest.endswith(part.end)

    def test_has_the_lines_of_deletions_which_say_nothing_of_people(self, tmp_path: Path) -> None:
        purge = {"kind": PURGE, "session": "a", "by": "li", "second": "shen", "rule": "YN-28"}
        lines = chain(tmp_path, visit("a", 1), visit("b", 2), purge)
        assert part_of(lines, "b").lines == lines[1:]

    def test_is_empty_where_the_chain_has_no_line(self, tmp_path: Path) -> None:
        part = part_of(chain(tmp_path, visit("a", 1)), "b")
        assert part.lines == [] and not part.complete and part.text == b""

    def test_with_a_line_left_out_exchanged_or_cut_off_is_found(self, tmp_path: Path) -> None:
        keys_dir = tmp_path / "keys"
        part = part_of(chain(tmp_path, *(visit(name, number) for number, name in enumerate("abcd", 1))), "a")
        keys, index = trusted(keys_dir), {"chain": part.to_json()}
        a, b, c, d = part.lines

        def kinds(*lines: bytes) -> list[str]:
            return [kind for kind, _ in check_part(lines, index, keys)]

        assert kinds(a, b, c, d) == []
        assert kinds(a, c, d) == ["chain"]
        assert kinds(a, b, c) == ["cut"]
        assert "chain" in kinds(a, c, b, d)
        forged = json.loads(b) | {"number": 7}
        assert "chain" in kinds(a, json.dumps(forged, sort_keys=True, separators=(",", ":")).encode(), c, d)
