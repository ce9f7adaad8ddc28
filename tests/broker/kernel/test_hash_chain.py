"""The digests of hash chains. The literals were computed by version 0.1.0: journals and archives hold such digests."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.control.journal.entry import Entry, digest_of
from broker.kernel.canonical_json import sorted_ascii, sorted_utf8
from broker.kernel.hash_chain import GENESIS, digest, fold, link
from recorder.evidence import file_hashes
from recorder.mp4.fragments import START, Chain

FIRST = "c36e42f6f7e73e18fefb1e92636f5b9c3e17c58a344bc0dcd9466f0e11dc3ea1"
SECOND = "ddc714a0d854b69d7bde5d38c0060539cc5a2f0b9a5f6631dac3e375fcaa3076"
FILM_HEAD = "debbdb9b372957500442b1161b7295f89edd712ace8a421ac1aaaa30b03edf7f"


def box(kind, body):
    return (8 + len(body)).to_bytes(4, "big") + kind + body


FILM = b"".join(
    (
        box(b"ftyp", b"isom"),
        box(b"moov", b"head"),
        box(b"moof", b"1"),
        box(b"mdat", b"one"),
        box(b"moof", b"2"),
        box(b"mdat", b"two"),
        box(b"mfra", b""),
    )
)


class TestDigestsOfTheVersionBefore:
    """Every chain that exists verifies with the one implementation."""

    def test_of_journal_entries(self):
        data = sorted_ascii({"site": "panlong", "name": "盘龙"})
        entry = Entry(1, "2026-03-02T01:00:00.000000+00:00", None, "SiteAdded", "command:root", data, GENESIS, "")
        assert digest_of(entry) == FIRST
        data = sorted_ascii({"reason": "time_limit"})
        entry = Entry(2, "2026-03-02T01:00:01.000000+00:00", "ses_x", "CutMedia", "session", data, FIRST, "")
        assert digest_of(entry) == SECOND

    def test_of_lines_of_a_site_chain(self):
        line = sorted_utf8({"kind": "visit", "session": "ses_x", "number": 1, "before": GENESIS})
        assert digest(line) == "31bee2d0a23f4ccc943466e0cd4d13d9c97ecaa150950b313a7f5d885def3f60"

    def test_of_fragments_while_they_are_written(self):
        chain = Chain()
        chain.feed(FILM)
        assert (chain.head.hex(), chain.fragments, chain.start, chain.end) == (FILM_HEAD, 2, 12, 64)

    def test_of_fragments_from_the_list_of_their_hashes(self, tmp_path: Path):
        film = tmp_path / "film.mp4"
        film.write_bytes(FILM)
        pieces = file_hashes.film_hashes(film, {"start": 12, "end": 64})
        assert file_hashes.fold(pieces) == FILM_HEAD

    def test_of_lines_of_a_timeline(self, tmp_path: Path):
        timeline = tmp_path / "timeline.jsonl"
        timeline.write_bytes(b"{}\n")
        (piece,) = file_hashes.timeline_hashes(timeline, datetime(2026, 3, 2, tzinfo=UTC))
        assert piece.sha256 == "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"

    def test_fragments_begin_with_their_own_start(self):
        assert START.hex() == "de440c3a0dcdf0811e10a59113bcac2b9b904f5aba7c3106ed7e15bfbb28b270"


class TestFolding:
    """Pieces fold into one head, whether one by one or all at once."""

    def test_nothing_leaves_the_start(self):
        assert fold(START, []) == START

    def test_is_linking_one_after_the_other(self):
        assert fold(START, [b"a" * 32, b"b" * 32]) == link(link(START, b"a" * 32), b"b" * 32)

    @pytest.mark.parametrize("pieces", [[b"b" * 32, b"a" * 32], [b"a" * 32], [b"a" * 32, b"b" * 31 + b"c"]])
    def test_shows_order_omission_and_change(self, pieces):
        assert fold(START, pieces) != fold(START, [b"a" * 32, b"b" * 32])
