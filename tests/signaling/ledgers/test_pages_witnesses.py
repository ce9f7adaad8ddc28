"""The heads that other sites have signed at night, in every form of a ledger (Yunnan 26(6): kept on file): their
signatures hold, and the codes on paper read as the lines that the check of heads takes."""

import json

import cv2
import msgspec
import numpy
import pytest
from pypdfium2 import PdfDocument

from recorder.evidence.chain_heads import read_heads
from recorder.evidence.signing import Keys
from recorder.witness.keys import PUBLIC, witness_keys
from recorder.witness.newest import Witnessed
from recorder.witness.night import witness_heads
from signaling.ledgers.build import build
from signaling.ledgers.pages import MOST_CODES, pages
from tests.support.ledgers.drawn import head_of, order_of
from tests.support.ledgers.read import sheets, text_in
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL

SITES = {"prison": "first-prison", "visitor": "panlong"}


def made(order, format):
    return build(msgspec.structs.replace(order, format=format), []).data


def codes(page):
    """What the codes on a page read."""
    picture = cv2.cvtColor(numpy.array(page.render(scale=4).to_pil()), cv2.COLOR_RGB2GRAY)
    return cv2.QRCodeDetector().detectAndDecodeMulti(picture)[1]


@pytest.fixture
def order(tmp_path):
    """An order in whose archive the prison and a bureau have witnessed each other."""
    root = tmp_path / "archive"
    sides = {side: {"site": site, "room": "r1", "title": side} for side, site in SITES.items()}
    for site in SITES.values():
        archived(make_work(root, f"session_{site}", WALL, 1.0, site=site, sides=sides), root)
    assert witness_heads(root, tmp_path / "keys", signer(root), WALL) == ["first-prison", "panlong"]
    return order_of(tmp_path, "json")


class TestHeadsThatWereWitnessed:
    def test_are_in_the_json_with_signatures_that_hold(self, order, tmp_path):
        theirs, ours = json.loads(made(order, "json"))["witnessed"]
        assert (theirs["witness"], theirs["of"], ours["of"]) == ("panlong", "first-prison", "panlong")
        keys = witness_keys(tmp_path / "archive" / PUBLIC)
        for found in (theirs, ours):
            key = keys[found["witness"]]
            signature = {"algorithm": key.algorithm, "key": found.pop("key"), "value": found.pop("signature")}
            assert not Keys([key]).vouch({**found, "signature": signature})
            assert Keys([key]).vouch({**found, "head": f"1:{'0' * 64}", "signature": signature})

    def test_are_in_the_workbook_on_a_sheet_of_their_own(self, order):
        _, titles, first, second = sheets(made(order, "xlsx"))["互证"].iter_rows(values_only=True)
        assert titles[:2] == ("关系", "作证单位") and first[:3] == ("他单位为本单位作证", "panlong", "first-prison")
        assert first[4].startswith("CHAIN first-prison 1:") and len(second[6]) == 88

    def test_are_on_paper_with_codes_that_read_as_lines_for_the_check(self, order):
        data = made(order, "pdf")
        lines = codes(list(PdfDocument(data))[-1])
        assert set(read_heads("\n".join(lines))) == set(SITES.values())
        (theirs, _) = json.loads(made(order, "json"))["witnessed"]
        assert f"签名：{theirs['signature']}" in text_in(data) and f"CHAINfirst-prison{theirs['head']}" in text_in(data)

    def test_are_said_to_be_missing_where_no_site_has_witnessed(self, tmp_path):
        ((note, *_),) = sheets(build(order_of(tmp_path, "xlsx"), []).data)["互证"].iter_rows(values_only=True)
        assert note.startswith("尚无互证") and json.loads(build(order_of(tmp_path, "json"), []).data)["witnessed"] == []

    def test_are_so_many_on_paper_and_the_others_elsewhere(self):
        many = [
            Witnessed(f"bureau-{number}", "first-prison", f"{number}:{'ab' * 32}", WALL.isoformat())
            for number in range(MOST_CODES + 3)
        ]
        text = text_in(pages(head_of(), [], "key", many)[0])
        assert text.count("作证单位：") == MOST_CODES and "另有3条，见XLSX或JSON" in text
