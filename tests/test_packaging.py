"""Files of a package other than code are in the installed package, too."""

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
FIND = PROJECT["packages"]["find"]


def data_files() -> list[Path]:
    """Return the files of the packages that are not code, relative to the root."""
    names = [name.rstrip("*") for name in FIND["include"]]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:  # an unpacked source has no list of its own
        files = [path.relative_to(ROOT) for name in names for path in (ROOT / name).rglob("*.*")]
    else:
        files = [Path(name) for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    return [path for path in files if path.suffix != ".py" and "__pycache__" not in path.parts]


def test_every_file_of_a_package_matches_a_pattern_of_its_data():
    patterns = PROJECT["package-data"]["*"]
    files = data_files()
    assert [path for path in files if not any(fnmatch(path.name, pattern) for pattern in patterns)] == []
    assert any(path.suffix == ".timer" for path in files)


def test_every_folder_with_data_is_a_package_of_the_installation():
    """The patterns apply to files in the folders of packages. setuptools finds folders without `__init__`, too, where
    each part of their path is an identifier, unless `namespaces` is false."""
    assert FIND.get("namespaces", True)
    folders = {path.parent for path in data_files()}
    names = {".".join(folder.parts) for folder in folders}
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in FIND["include"])] == []
    assert [folder for folder in folders if not all(part.isidentifier() for part in folder.parts)] == []
    assert {"signaling.web", "signaling.web.state", "signaling.web.ui.wall"} <= names
