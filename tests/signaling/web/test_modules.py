"""The structure of the page's JavaScript, read from its import lines: layers, cycles, sizes and names."""

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "signaling" / "web"
# A folder imports itself and the folders before it.
LAYERS = ["state", "i18n", "api", "media", "ui", "dispatch", "app"]
LONGEST_FILE = 250  # lines
LARGEST_FOLDER = 14  # files
CATALOGS = {"words.en.js", "words.zh.js"}  # one line a word: their length says nothing
BANNED = {"acting", "calling", "desk", "duties", "ear", "facts", "hearing", "kept", "placing", "standing", "voice"}
IMPORT = re.compile(r'^import (?P<names>\{[^}]*\}|\* as \w+) from "(?P<path>[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:class|const|function) (\w+)", re.MULTILINE)

MODULES = {path.relative_to(WEB).as_posix(): path.read_text("utf-8") for path in sorted(WEB.rglob("*.js"))}


def imports(name: str) -> dict[str, list[str]]:
    """Return the modules that a module imports, each with the names that it takes from it."""
    found: dict[str, list[str]] = {}
    for names, path in IMPORT.findall(MODULES[name]):
        target = (WEB / name).parent.joinpath(path).resolve().relative_to(WEB).as_posix()
        found.setdefault(target, []).extend(re.findall(r"\w+", names) if names.startswith("{") else [])
    return found


@pytest.mark.parametrize("name", MODULES)
class TestEachModule:
    def test_imports_names_that_exist_from_its_own_layer_or_one_below(self, name: str) -> None:
        assert len(IMPORT.findall(MODULES[name])) == len(re.findall(r"^import\b", MODULES[name], re.MULTILINE))
        for target, names in imports(name).items():
            assert target in MODULES, target
            assert set(names) <= set(EXPORT.findall(MODULES[target])), target
            assert LAYERS.index(target.split("/")[0]) <= LAYERS.index(name.split("/")[0]), target

    def test_uses_every_name_that_it_imports(self, name: str) -> None:
        body = IMPORT.sub("", MODULES[name])
        unused = [each for names in imports(name).values() for each in names if not re.search(rf"\b{each}\b", body)]
        assert unused == []

    def test_is_short_and_has_no_name_of_old(self, name: str) -> None:
        path = Path(name)
        assert path.name in CATALOGS or MODULES[name].count("\n") <= LONGEST_FILE
        assert path.stem not in BANNED


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: set(imports(name)) for name in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_folder_can_be_looked_through() -> None:
    folders = {path.parent for path in WEB.rglob("*.*")}
    assert {folder: count for folder in folders if (count := len(list(folder.glob("*.*")))) > LARGEST_FOLDER} == {}


def test_the_page_names_files_that_exist() -> None:
    page = (WEB / "monitor.html").read_text("utf-8")
    named = re.findall(r'(?:href|src)="/web/([^"]+)"', page)
    assert [name for name in named if not (WEB / name).is_file()] == []
    assert {path.name for path in WEB.rglob("*.css")} == {Path(name).name for name in named if name.endswith(".css")}
