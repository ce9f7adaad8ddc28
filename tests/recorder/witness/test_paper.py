"""Heads on paper: what a scanner reads is what the verifier takes."""

import re
from datetime import UTC, datetime

from recorder.evidence.chain_heads import read_heads
from recorder.witness.paper import line_of_head, page

HEADS = {"prison-a": f"12:{'ab' * 32}", "bureau": f"0:{'cd' * 32}"}


def test_a_code_reads_as_the_verifier_takes_it() -> None:
    text = "\n".join(line_of_head(site, head) for site, head in HEADS.items())
    assert read_heads(text) == {site: [head] for site, head in HEADS.items()}


def test_has_a_code_and_the_same_text_for_each_site() -> None:
    html = page(HEADS, datetime(2026, 3, 2, 15, 30, tzinfo=UTC)).decode()
    assert html.count("<svg") == 2 and "2026-03-02 23:30" in html
    assert set(re.findall(r"<title>CHAIN (\S+) ", html)) == set(HEADS)
    assert all(line_of_head(site, head) in html for site, head in HEADS.items())
    assert "<script" not in html
