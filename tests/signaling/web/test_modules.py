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
CATALOGS = {
    "words.en.js",
    "words.zh.js",
    "audit.en.js",
    "audit.zh.js",
    "admin.en.js",
    "admin.zh.js",
}  # one line a word: their length says nothing
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


def test_modules_import_names_that_exist_from_their_own_layer_or_one_below() -> None:
    wrong = []
    for name, text in MODULES.items():
        assert len(IMPORT.findall(text)) == len(re.findall(r"^import\b", text, re.MULTILINE)), name
        for target, names in imports(name).items():
            below = LAYERS.index(target.split("/")[0]) <= LAYERS.index(name.split("/")[0])
            if target not in MODULES or not below or not set(names) <= set(EXPORT.findall(MODULES[target])):
                wrong.append((name, target))
    assert wrong == []


def test_modules_use_every_name_that_they_import() -> None:
    unused = []
    for name, text in MODULES.items():
        body = IMPORT.sub("", text)
        names = [each for found in imports(name).values() for each in found]
        unused += [(name, each) for each in names if not re.search(rf"\b{each}\b", body)]
    assert unused == []


def test_modules_are_short_and_have_no_banned_name() -> None:
    lines = {name: text.count("\n") for name, text in MODULES.items() if Path(name).name not in CATALOGS}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}
    assert [name for name in MODULES if Path(name).stem in BANNED] == []


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
    page = "".join(path.read_text("utf-8") for path in sorted(WEB.glob("*.html")))
    named = re.findall(r'(?:href|src)="/web/([^"]+)"', page)
    assert [name for name in named if not (WEB / name).is_file()] == []
    assert {path.name for path in WEB.rglob("*.css")} == {Path(name).name for name in named if name.endswith(".css")}
