"""Small files that survive a crash: replaced whole, or grown by whole lines."""

import json

import pytest

from broker.kernel.atomic_files import (
    append_lines,
    make_folder,
    overwrite_json,
    read_json,
    read_lines,
    sync_files,
    write_json,
)


class TestJson:
    def test_a_value_comes_back_as_it_was_written(self, tmp_path):
        path = tmp_path / "plan.json"
        write_json(path, {"b": 1, "a": "李"})
        assert read_json(path) == {"a": "李", "b": 1}
        assert path.read_bytes() == '{\n "a": "李",\n "b": 1\n}\n'.encode()

    @pytest.mark.parametrize("write", [write_json, overwrite_json])
    def test_a_file_is_replaced_and_no_other_one_is_left(self, tmp_path, write):
        path = tmp_path / "plan.json"
        write(path, {"a": 1})
        write(path, {"a": 2})
        assert read_json(path) == {"a": 2}
        assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]

    def test_a_value_that_cannot_be_written_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "plan.json"
        write_json(path, {"a": 1})
        with pytest.raises(TypeError):
            write_json(path, {"a": object()})
        assert read_json(path) == {"a": 1}

    def test_a_value_is_noted_over_a_longer_and_over_a_shorter_one(self, tmp_path):
        path = tmp_path / "part.json"
        for length in (10, 3000, 0, 5000, 20, 4080, 1):
            overwrite_json(path, {"a": "x" * length})
            assert read_json(path) == {"a": "x" * length}
        assert [entry.name for entry in tmp_path.iterdir()] == ["part.json"]

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
    def test_what_is_no_object_is_none(self, tmp_path, content):
        path = tmp_path / "plan.json"
        path.write_bytes(content)
        assert read_json(path) is None
        assert read_json(tmp_path / "absent.json") is None


class TestLines:
    def test_entries_come_back_in_order(self, tmp_path):
        path = tmp_path / "timeline.jsonl"
        append_lines(path, [{"b": 1, "a": 2}])
        append_lines(path, [{"c": "会见"}])
        assert path.read_bytes() == '{"b":1,"a":2}\n{"c":"会见"}\n'.encode()
        assert read_lines(path) == [{"b": 1, "a": 2}, {"c": "会见"}]

    def test_a_line_cut_off_by_a_crash_costs_only_itself(self, tmp_path):
        path = tmp_path / "timeline.jsonl"
        path.write_bytes(b'{"a":1}\n{"a":')
        append_lines(path, [{"a": 3}])
        assert read_lines(path) == [{"a": 1}, {"event": {"kind": "unreadable"}}, {"a": 3}]

    def test_a_file_that_does_not_exist_has_no_lines(self, tmp_path):
        assert read_lines(tmp_path / "absent.jsonl") == []


class TestFolders:
    def test_a_folder_is_made_with_those_above_it(self, tmp_path):
        make_folder(tmp_path / "a" / "b")
        make_folder(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()

    def test_syncing_passes_over_files_that_do_not_exist(self, tmp_path):
        (tmp_path / "there").write_text(json.dumps({}))
        sync_files(tmp_path, ["there", "absent"])
