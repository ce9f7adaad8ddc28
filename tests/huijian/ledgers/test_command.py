"""`huijian ledger` makes a signed file and journals that; `huijian verify --ledger` says whether it is the same."""

import json

import pytest

from broker.kernel import canonical_json
from recorder.evidence.signing import installed, sign
from tests.support.ledgers.read import rows_in

NAME = "ledger-first-prison-2026-03-01_2026-03-31.xlsx"
MONTH = ("ledger", "first-prison", "--month", "2026-03")


@pytest.fixture
def made(huijian, sites, place):
    """Make the ledger of a month, and return its file."""
    answer = huijian(*MONTH, "--json")
    assert answer.code == 0, answer.err
    assert answer.json == {"file": NAME, "visits": 0, "chain_head": ""}
    return place / NAME


def test_a_ledger_has_its_signature_beside_it_and_is_closed_to_others(made, huijian):
    signature = made.with_name(f"{NAME}.sig.json")
    assert rows_in(made.read_bytes()) == []
    assert [path.stat().st_mode & 0o077 for path in (made, signature)] == [0, 0]
    answer = huijian("verify", "--ledger", NAME)
    assert answer.code == 0 and "WHOLE ledger of first-prison, 2026-03-01..2026-03-31: 0 visits" in answer.out


def test_one_byte_that_was_changed_is_found(made, huijian):
    data = bytearray(made.read_bytes())
    data[len(data) // 2] ^= 1
    made.write_bytes(data)
    answer = huijian("verify", "--ledger", NAME, "--json")
    assert answer.code == 4 and not answer.json["ok"] and "台账" in answer.json["why"]


def test_a_file_without_its_signature_proves_nothing(made, huijian):
    made.with_name(f"{NAME}.sig.json").unlink()
    answer = huijian("verify", "--ledger", NAME)
    assert answer.code == 4 and "缺少签名文件" in answer.out


def test_an_end_that_the_chain_here_does_not_hold_is_found(made, huijian, place):
    signer = installed(place / "data" / "keys", place / "data" / "archive")
    path = made.with_name(f"{NAME}.sig.json")
    value = json.loads(path.read_text("utf-8"))
    path.write_bytes(canonical_json.indented(sign({**value, "chain_head": f"3:{'ab' * 32}"}, signer)))
    answer = huijian("verify", "--ledger", NAME)
    assert answer.code == 4 and "cut or rewritten" in answer.out


def test_a_ledger_is_journaled_by_site_and_days(made, huijian):
    (entry,) = [row for row in huijian("admin", "journal", "list", "--json").json if row["kind"] == "LedgerMade"]
    days = {"from": "2026-03-01", "to": "2026-03-31"}
    assert entry["data"] == {"site": "first-prison", **days, "public": False, "format": "xlsx", "visits": 0}


def test_a_file_that_is_there_is_not_written_over(made, huijian):
    answer = huijian(*MONTH)
    assert answer.code == 1 and "there already" in answer.err


def test_a_zip_is_checked_whole(huijian, sites, place):
    options = ("--day", "2026-03-02", "--format", "zip", "--public", "--out", "l.zip")
    assert huijian("ledger", "first-prison", *options).code == 0
    assert huijian("verify", "--ledger", "l.zip").code == 0
    data = bytearray((place / "l.zip").read_bytes())
    data[100] ^= 1
    (place / "l.zip").write_bytes(data)
    assert huijian("verify", "--ledger", "l.zip").code == 4


@pytest.mark.parametrize(
    "options, code",
    [
        (("first-prison", "--day", "2026-13-01"), 2),
        (("first-prison", "--day", "2026-03-01", "--month", "2026-03"), 2),
        (("first-prison", "--format", "csv"), 2),
        (("nowhere",), 1),
    ],
)
def test_what_is_no_ledger_is_refused(huijian, sites, options, code):
    assert huijian("ledger", *options).code == code
