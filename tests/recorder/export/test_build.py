"""Making a package: what lies in the recording's folder and does not belong there is left out, and named."""

import os
import shutil
from pathlib import Path

from broker.kernel import atomic_files
from recorder.export.check import check_package
from tests.recorder.export.conftest import Made
from tests.support.recording.packages import order_of, recording, unpacked


def test_a_file_that_no_index_can_list_is_left_out_and_named(made: Made, tmp_path: Path) -> None:
    root = Path(shutil.copytree(made.root, tmp_path / "archive"))
    shutil.copytree(made.root.parent / "keys", tmp_path / "keys")
    order = order_of(root, made.done, tmp_path / "x.zip")
    folder = root / order.recording
    folder.chmod(0o700)
    for name in ("说明 1.txt", ".DS_Store"):
        (folder / name).write_text("x", encoding="utf-8")
    (folder / "more").mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text("x", encoding="utf-8")
    package = unpacked(order, tmp_path / "unpacked")
    assert check_package(package).damages == []
    index = atomic_files.read_json(package / "export.json") or {}
    named = {(damage["file"], damage["kind"]) for damage in index["damages"]}
    assert named == {(name, "added") for name in ("说明 1.txt", ".DS_Store", "more", "\\udcff.txt")}
    assert sorted(path.name for path in recording(package).iterdir()) == sorted(
        path.name for path in (made.root / order.recording).iterdir()
    )
