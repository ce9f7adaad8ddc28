"""What lies in a package besides code is in the installed package, too."""

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_file_of_a_package_is_named_as_its_data():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    rooms = [name.rstrip("*") for name in project["packages"]["find"]["include"]]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *rooms],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:  # an unpacked source has no list of its own
        files = [path for room in rooms for path in (ROOT / room).rglob("*.*") if "__pycache__" not in path.parts]
    else:
        files = [Path(name) for name in listed.stdout.splitlines()]
    data = [path for path in files if path.suffix != ".py"]
    patterns = project["package-data"]["*"]
    assert [path for path in data if not any(fnmatch(path.name, one) for one in patterns)] == []
    assert any(path.suffix == ".timer" for path in data)
