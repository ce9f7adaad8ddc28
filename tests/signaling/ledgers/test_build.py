"""The files of a ledger, opened again by other libraries: every entry is in them, the totals are theirs, texts stay
texts, and one byte that is changed breaks the signature."""

import json
import zipfile
from io import BytesIO

import msgspec
import pytest
from openpyxl.utils.escape import unescape

from recorder.evidence.signing import beside
from signaling.ledgers.build import build
from signaling.ledgers.seal import BESIDE, NotGenuine, check
from tests.support.ledgers.drawn import entry_of, head_of, order_of
from tests.support.ledgers.read import rows_in, sheets, summary_in, text_in

HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "@SUM(A1)",
    "-2",
    "http://example.com",
    "'quoted",
    "\t=1",
    "\r=1",
    "＝1+1",
    "_x003D_1+1",
    "%0A=1",
    "007",
)


def write(made, folder):
    """Write a file and its signature, and return the path."""
    path = folder / made.name
    path.write_bytes(made.data)
    if made.signature:
        path.with_name(path.name + BESIDE).write_bytes(made.signature)
    return path


@pytest.fixture
def entries():
    late = {"began_at": None, "ended_at": None, "seconds": None, "recording": ""}
    return [
        entry_of(0, interventions=(("warning", "YN-16-2", 2), ("hold", "", 1)), extended=300, alerts=3),
        entry_of(1),
        entry_of(2, state="no_show", ending="未到场", **late),
        entry_of(3, state="cancelled", ending="会见已取消", article="YN-18", **late),
        entry_of(4, state="refused", ending="不予会见", article="YN-15-3", **late),
    ]


class TestTheWorkbook:
    def test_has_a_row_for_each_visit_also_for_those_that_never_began(self, tmp_path, entries):
        rows = rows_in(build(order_of(tmp_path, "xlsx"), entries).data)
        assert [row["会见编号"] for row in rows] == [entry.session for entry in entries]
        assert [row["状态"] for row in rows[2:]] == ["未到场", "已取消", "不予会见"]
        assert rows[3]["结束方式（依据条款）"] == "会见已取消（第十八条）"
        assert rows[0]["现场处置"] == "劝阻2次（第十六条第（二）项）；中止1次"
        assert (rows[0]["预约时段"], rows[0]["会见时长（秒）"], rows[2]["开始"]) == ("09:00–09:40", 1200, None)

    def test_adds_up_to_its_own_rows(self, tmp_path, entries):
        data = build(order_of(tmp_path, "xlsx"), entries).data
        rows, totals = rows_in(data), summary_in(data)
        assert totals["会见合计（场）"] == len(rows) == 5
        assert totals["会见总时长（秒）"] == sum(row["会见时长（秒）"] or 0 for row in rows) == 2401
        assert totals["其中：不予会见"] == totals["其中：未到场"] == totals["其中：已取消"] == 1
        assert (totals["实际会见（场）"], totals["现场处置：劝阻（次）"], totals["提醒（次）"]) == (2, 2, 3)
        assert totals["制表时录像链链头"] == f"CHAIN first-prison {head_of().chain_head}"

    def test_takes_no_name_for_a_formula_a_link_or_a_number(self, tmp_path):
        many = [entry_of(number, inmates=(name,), visitors=(name,)) for number, name in enumerate(HOSTILE)]
        data = build(order_of(tmp_path, "xlsx"), many).data
        sheet = sheets(data)["台账"]
        cells = [cell for row in sheet.iter_rows(min_row=4) for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}  # and no "f"
        assert not any(cell.hyperlink for cell in cells)
        named = [unescape(row["会见对象"]) for row in rows_in(data)]
        assert named == [name.replace("\t", " ").replace("\r", " ") for name in HOSTILE]
        with zipfile.ZipFile(BytesIO(data)) as packed:
            assert not any(b"<f>" in packed.read(name) for name in packed.namelist())

    def test_keeps_a_text_that_is_edited_a_text(self, tmp_path):
        many = [entry_of(number, inmates=(name,)) for number, name in enumerate(HOSTILE)]
        for sheet in sheets(build(order_of(tmp_path, "xlsx"), many).data):
            written = [cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
            assert {cell.number_format for cell in written if cell.value[:1] in "=+-@＝\t\r"} <= {"@"}
        sheet = sheets(build(order_of(tmp_path, "xlsx"), many).data)["台账"]
        assert {cell.number_format for row in sheet.iter_rows(min_row=4) for cell in row[:1]} == {"General"}

    def test_shows_marks_that_turn_a_text_around(self, tmp_path):
        (row,) = rows_in(build(order_of(tmp_path, "xlsx"), [entry_of(inmates=("赵\u202e某",))]).data)
        assert row["会见对象"] == "赵[U+202E]某"

    def test_leaves_nothing_in_its_folder(self, tmp_path, entries):
        work = tmp_path / "work"
        work.mkdir()
        build(msgspec.structs.replace(order_of(tmp_path, "xlsx"), folder=str(work)), entries)
        assert list(work.iterdir()) == []

    def test_of_no_visits_is_a_ledger_too(self, tmp_path):
        data = build(order_of(tmp_path, "xlsx"), []).data
        assert rows_in(data) == [] and summary_in(data)["会见合计（场）"] == 0


class TestThePages:
    def test_have_every_visit_the_totals_and_the_end_of_the_chain(self, tmp_path):
        many = [entry_of(number) for number in range(60)]
        text = text_in(build(order_of(tmp_path, "pdf"), many).data)
        assert all(f"ses_{number}" in text for number in range(60))
        for words in ("第一监狱远程视频会见台账", "会见合计（场）60", "刘某甲", f"CHAINfirst-prison12:{'ab' * 32}"):
            assert words in text, words

    def test_have_a_row_higher_than_usual_whole(self, tmp_path):
        names = tuple(f"会见人甲{number}" for number in range(30))
        text = text_in(build(order_of(tmp_path, "pdf"), [entry_of(visitors=names)]).data)
        assert "会见人甲29" in text

    def test_of_no_visits_say_so(self, tmp_path):
        assert "会见合计（场）0" in text_in(build(order_of(tmp_path, "pdf"), []).data)


class TestTheSignature:
    @pytest.mark.parametrize("format", ["xlsx", "pdf", "json"])
    def test_is_genuine_and_says_what_the_ledger_is_of(self, tmp_path, entries, format):
        path = write(build(order_of(tmp_path, format), entries), tmp_path)
        value = check(path, beside(tmp_path / "archive"))
        assert (value["site"], value["from"], value["to"]) == ("first-prison", "2026-11-01", "2026-11-30")
        assert value["totals"]["visits"] == 5 and value["chain_head"] == head_of().chain_head

    @pytest.mark.parametrize("format", ["xlsx", "pdf", "json"])
    @pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
    def test_is_broken_by_one_byte_of_the_file(self, tmp_path, entries, format, place):
        path = write(build(order_of(tmp_path, format), entries), tmp_path)
        data = bytearray(path.read_bytes())
        data[int(len(data) * place)] ^= 1
        path.write_bytes(data)
        with pytest.raises((NotGenuine, FileNotFoundError)):
            check(path, beside(tmp_path / "archive"))

    def test_is_broken_by_one_byte_of_its_own(self, tmp_path, entries):
        path = write(build(order_of(tmp_path, "xlsx"), entries), tmp_path)
        signature = path.with_name(path.name + BESIDE)
        whole = signature.read_bytes()
        for at in range(len(whole)):
            signature.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(NotGenuine):
                check(path, beside(tmp_path / "archive"))

    def test_of_another_ledger_does_not_fit(self, tmp_path, entries):
        first = build(order_of(tmp_path, "xlsx"), entries)
        other = build(order_of(tmp_path, "xlsx"), entries[:1])
        path = write(first._replace(signature=other.signature), tmp_path)
        with pytest.raises(NotGenuine, match="not the one"):
            check(path, beside(tmp_path / "archive"))

    def test_by_another_key_proves_nothing(self, tmp_path, entries):
        path = write(build(order_of(tmp_path, "xlsx"), entries), tmp_path)
        build(order_of(tmp_path, "xlsx", keys_dir=str(tmp_path / "k"), archive_dir=str(tmp_path / "a")), entries)
        with pytest.raises(NotGenuine, match="unknown key"):
            check(path, beside(tmp_path / "a"))


def test_all_files_of_a_zip_say_the_same(tmp_path, entries):
    made = build(order_of(tmp_path, "zip"), entries)
    with zipfile.ZipFile(BytesIO(made.data)) as packed:
        packed.extractall(tmp_path / "out")
        names = sorted(packed.namelist())
    assert [name.partition(".")[2] for name in names] == ["json", "pdf", "pdf.sig.json", "xlsx", "xlsx.sig.json"]
    paths = [tmp_path / "out" / name for name in names if not name.endswith(BESIDE)]
    found = [check(path, beside(tmp_path / "archive"))["totals"] for path in paths]
    assert found[0] == found[1] == found[2]


def test_json_has_the_same_columns_as_the_workbook(tmp_path, entries):
    value = json.loads(build(order_of(tmp_path, "json"), entries).data)
    titles = [column["zh"] for column in value["columns"]]
    assert ["序号", *titles] == list(rows_in(build(order_of(tmp_path, "xlsx"), entries).data)[0])
    assert [row["number"] for row in value["rows"]] == [1, 2, 3, 4, 5]
