"""The structure of the code, read from its sources: allowed imports, the largest folder, names that are not used, and
the only module that reads the clock. ARCHITECTURE.md describes the structure for readers."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "broker", "recorder", "signaling", "kiosk_agent", "huijian")

# A part may import the parts named for it, and itself.
CORE = {"broker.authority", "broker.booking", "broker.drills", "broker.history", "broker.presence", "broker.session"}
BELOW_IPC = {"config", "broker.kernel", "broker.media", *CORE}
MAY_IMPORT = {
    "config": set(),
    "broker": set(),
    "broker.kernel": {"config"},
    "broker.media": {"broker.kernel"},
    "broker.authority": {"config", "broker.kernel"},
    "broker.booking": {"config", "broker.kernel", *CORE},
    "broker.presence": {"config", "broker.kernel", *CORE},
    "broker.session": {"config", "broker.kernel", *CORE},
    "broker.drills": {"config", "broker.kernel", *CORE},
    "broker.history": {"config", "broker.kernel", *CORE},
    "broker.ipc": BELOW_IPC,
    "broker.control": {*BELOW_IPC, "broker.ipc"},
    "broker.relay": {"config", "broker.kernel", "broker.media", "broker.ipc"},
    "recorder": {"config", "broker.kernel", "broker.media", "broker.ipc"},
    "signaling": {*BELOW_IPC, "broker.ipc", "broker.control", "recorder"},
    "kiosk_agent": {"config", "broker.kernel", "broker.media", "signaling.api.messages"},
    "huijian": {*BELOW_IPC, "broker.ipc", "broker.control", "broker.relay", "recorder", "signaling", "kiosk_agent"},
}
# The messages stand on their own fields and texts, which a kiosk may therefore load, too.
MESSAGES = "signaling.api.messages"

LARGEST_FOLDER = 14  # modules beside __init__: what one can still look through
BANNED = """
acting attending caretaker complaints covered doorway ear floor gauges hearing house keeping lagging lanes leftovers
lengthening measuring nearby noticing observing papers performing permits placing playing saying shelf showing sheets
slate speech stage strangers tally tending uplink watchman watching whence
"""
"""Words that an engineer of this field does not know in this meaning. ARCHITECTURE.md has the usual words."""
WIRE_NAMES = {"RecorderLagging", "SpeechBegan", "SpeechEnded", "SpeechView"}
"""Names that occur in journals of earlier versions or in the OpenAPI document."""
SEAMS: dict[str, str] = {
    "signaling.ledgers.masking": "pure: what of a name is made public; tested alone",
    "broker.booking.language_codes": "data: a table of codes",
    "broker.control.store.devices.codes": "pure: how a code is spelled and read; tested alone",
    "broker.control.store.sign_in.identities": "one part of the store a file",
    "broker.control.recovery.take_up": "what a start finds, beside `row_watch`; tested alone",
    "broker.relay.congestion.publisher_rate": "pure, the counterpart of subscriber_adaptation; tested alone",
    "broker.relay.limits.media_budget": "pure, beside the other limits; tested alone",
    "broker.relay.rtp.red": "pure, the payload format of RFC 2198; tested and fuzzed alone",
    "broker.relay.transport.poller": "the only place that decides when the hot loop reads; tested alone",
    "broker.relay.transport.ssrc_history": "pure: which SRTP state is kept; tested alone",
    "config.lines.rate": "pure: how much is written, beside what may be; tested alone",
    "config.lines.rotation": "input and output, beside what is pure; tested alone",
    "huijian.admin.clock": "one group of commands a file",
    "signaling.api.administration.pack_changes": "pure: what differs between two packs, apart from how it is asked for",
    "huijian.journal.command": "one group of commands a file",
    "huijian.history.rebuild": "one command a file",
    "huijian.retention.purge_at_server": "what a server answers, in the forms of the store; tested alone",
    "huijian.journal.verify_export": "the words of a check; the check itself is tested alone",
    "huijian.kiosk.officer_pin": "one command a file",
    "kiosk_agent.checks.measures.machine": "pure measures of one subject; tested alone",
    "kiosk_agent.checks.measures.motion": "pure measures of one subject; tested alone",
    "kiosk_agent.deploy.watchdog": "the protocol of sd_notify(3); tested alone",
    "kiosk_agent.officer.levels": "pure: what is open when; tested alone",
    "kiosk_agent.http_client": "how soon a cut line is noticed; terminals of tests have it, too",
    "recorder.export.verifier_page": "what is made of the files in `verifier/`; tested alone, in a browser",
    "recorder.pipeline.trial_decode": "the only decoder in the pipeline; what is pure beside it is given it",
    "recorder.pipeline.talkback_track": "the track that is never waited for, beside `track`; tested alone",
    "signaling.history.relisten": "pure: what is chosen, and until when; tested alone",
    "signaling.journal.program": "what the process does, imported once its priority is low",
    "signaling.ledgers.program": "what the process does, imported once its priority is low",
    "signaling.media.whip": "WHIP and WHEP are found by their names",
    "signaling.tls.record_count": "pure: what the pump pays for; tested alone",
}
"""Small modules with one importer that are kept apart, each with the reason."""

FORBIDDEN_CLOCKS = {
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "monotonic_ns"),
    ("time", "perf_counter"),
    ("time", "perf_counter_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}
CLOCK = ROOT / "broker" / "kernel" / "clock.py"


def sources(*packages):
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part_of(module):
    """Return the part of the table that a module belongs to, or None for modules of other projects."""
    if module.split(".")[0] not in PACKAGES:
        return None
    return max((part for part in MAY_IMPORT if f"{module}.".startswith(f"{part}.")), key=len)


def imports(path):
    """Yield the modules that a file imports, also inside functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def breaches(path):
    """Yield the imports of a file that the table does not allow."""
    here = part_of(name_of(path))
    for module in imports(path):
        there = part_of(module)
        if there is None or there == here or there in MAY_IMPORT[here]:
            continue
        if MESSAGES in MAY_IMPORT[here] and (module + ".").startswith(MESSAGES + "."):
            continue
        if MESSAGES in MAY_IMPORT[here] and MESSAGES.startswith(f"{module}."):  # `from signaling.api import messages`
            continue
        yield f"{name_of(path)} imports {module}"


def clocks_read(path):
    """Yield the places where a file reads time: `time.monotonic`, `datetime.now`, `from time import time`, ..."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if (owner, node.attr) in FORBIDDEN_CLOCKS:
                yield f"{name_of(path)}:{node.lineno} {owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            for alias in node.names:
                if ("time", alias.name) in FORBIDDEN_CLOCKS:
                    yield f"{name_of(path)}:{node.lineno} from time import {alias.name}"


def modules():
    """Return the files of this project's modules by module name."""
    return {name_of(path): path for path in sources(*PACKAGES)}


def graph():
    """Return the imports of each module, from anywhere in its file and also for types only."""
    paths = modules()
    return {name: {module for module in imports(path) if module in paths} - {name} for name, path in paths.items()}


def circles(edges):
    """Return the groups of modules that import each other in a circle (Tarjan's strongly connected components)."""
    order, low, stack, found = {}, {}, [], []

    def visit(name):
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in edges[name]:
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            found.append(sorted(group))

    for name in edges:
        if name not in order:
            visit(name)
    return [group for group in found if len(group) > 1]


def words_of(name):
    """Return the lower-case words of a name in snake case or camel case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def public_names(path):
    """Yield the names of the public classes and functions of a module."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name


class TestStructure:
    def test_no_modules_import_each_other_in_a_circle(self):
        assert circles(graph()) == []

    def test_no_import_is_for_types_only(self):
        found = [name for name, path in modules().items() if "TYPE_CHECKING" in path.read_text("utf-8")]
        assert found == []

    def test_no_folder_has_too_many_modules(self):
        sizes = {}
        for path in sources(*PACKAGES):
            if path.name != "__init__.py" and "migrations" not in path.parts:
                folder = path.parent.relative_to(ROOT).as_posix()
                sizes[folder] = sizes.get(folder, 0) + 1
        assert {folder: size for folder, size in sizes.items() if size > LARGEST_FOLDER} == {}

    def test_no_module_has_a_banned_word_in_its_name(self):
        banned = set(BANNED.split())
        assert [name for name in modules() if banned & words_of(name.rpartition(".")[2])] == []

    def test_no_class_or_function_has_a_banned_word_in_its_name(self):
        banned = set(BANNED.split())
        names = {(module, name) for module, path in modules().items() for name in public_names(path)}
        found = {(module, name) for module, name in names if banned & words_of(name)}
        assert {item for item in found if item[1] not in WIRE_NAMES} == set()

    def test_no_small_module_has_a_single_importer(self):
        edges = graph()
        for name, path in modules().items():
            users = [other for other, used in edges.items() if name in used]
            small = path.read_text("utf-8").count("\n") < 50 and path.name not in ("__init__.py", "__main__.py")
            if small and len(users) == 1 and "migrations" not in path.parts:
                assert name in SEAMS, f"{name} is imported by {users[0]} alone: merge them, or give the reason in SEAMS"


class TestTests:
    """Tests mirror the tree, so that the tests of a module are found by its name."""

    STORIES = ("scenarios", "simulation", "support", "bench", "fuzz", "hostile", "contract")

    def test_have_the_name_of_their_module(self):
        for path in sorted((ROOT / "tests").rglob("test_*.py")):
            parts = path.relative_to(ROOT / "tests").parts
            if len(parts) == 1 or parts[0] in self.STORIES or parts[:2] == ("signaling", "web"):
                continue
            stem, folder = path.stem.removeprefix("test_"), ROOT.joinpath(*parts[:-1])
            names = {module.stem for module in folder.glob("*.py")} | {inner.name for inner in folder.glob("*/")}
            assert any(f"{stem}_".startswith(f"{name}_") for name in names), f"{path} tests no module of {folder}"


@pytest.mark.parametrize("package", PACKAGES)
class TestEveryPackage:
    def test_imports_only_what_stands_below_it(self, package):
        assert [breach for path in sources(package) for breach in breaches(path)] == []

    def test_has_a_docstring_and_nothing_else_in_its_init(self, package):
        for path in sources(package):
            if path.name == "__init__.py" and "migrations" not in path.parts:
                body = ast.parse(path.read_text("utf-8")).body
                assert len(body) == 1, f"{name_of(path)} is more than its docstring"
                assert isinstance(body[0], ast.Expr), f"{name_of(path)} has no docstring"

    def test_has_a_docstring_in_each_file(self, package):
        for path in sources(package):
            assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} has no docstring"


@pytest.mark.parametrize("package", ["config", "broker", "recorder", "signaling"])
def test_only_the_clock_reads_time(package):
    found = [read for path in sources(package) if path != CLOCK for read in clocks_read(path)]
    assert found == []


class TestTheRulesThemselves:
    """Each rule fails for a file that breaks it."""

    @pytest.mark.parametrize(
        ("package", "line"),
        [
            ("config", "import broker.kernel.ids"),
            ("config", "from broker.kernel import ids"),
            ("broker/kernel", "from broker.session.events import Fact"),
            ("broker/session", "from broker.control.store.store import Store"),
            ("broker/ipc", "import recorder"),
            ("broker/relay", "from broker.control.store import store"),
            ("broker/relay", "from broker.session import transitions"),
            ("broker/control", "def f():\n    from signaling.server import app"),
            ("recorder", "import broker.relay.worker"),
            ("recorder", "from broker.control.journal.journal import Journal"),
            ("kiosk_agent", "from signaling.server.app import build_app"),
            ("kiosk_agent", "from signaling.api import orders"),
            ("kiosk_agent", "import recorder.mp4.muxer"),
            ("kiosk_agent", "from huijian.demo.synthetic import voice"),
        ],
    )
    def test_an_import_upwards_is_found(self, package, line, tmp_path, monkeypatch):
        monkeypatch.setitem(globals(), "ROOT", tmp_path)
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "here.py").write_text(line)
        assert list(breaches(tmp_path / package / "here.py"))

    @pytest.mark.parametrize(
        ("package", "line"),
        [
            ("broker/session", "from config.policy import Policy"),
            ("recorder", "from broker.media import tap_format"),
            ("recorder", "from broker.ipc.server import Server"),
            ("signaling", "from broker.control.store.store import Store"),
            ("kiosk_agent", "from signaling.api.messages import Hello"),
            ("kiosk_agent", "from signaling.api import messages"),
            ("huijian", "import recorder.evidence.verify, broker.relay.worker"),
        ],
    )
    def test_an_import_downwards_is_allowed(self, package, line, tmp_path, monkeypatch):
        monkeypatch.setitem(globals(), "ROOT", tmp_path)
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "here.py").write_text(line)
        assert not list(breaches(tmp_path / package / "here.py"))

    def test_a_circle_is_found_and_a_diamond_is_none(self):
        circle = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
        assert circles(circle) == [["a", "b", "c"]]
        assert circles({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []

    @pytest.mark.parametrize(
        "line",
        ["import time\ntime.time()", "from time import monotonic", "datetime.now(UTC)", "datetime.datetime.now()"],
    )
    def test_a_read_clock_is_found(self, line, tmp_path, monkeypatch):
        monkeypatch.setitem(globals(), "ROOT", tmp_path)
        (tmp_path / "here.py").write_text(line)
        assert list(clocks_read(tmp_path / "here.py"))


PACKAGE_OF = {
    "xdist": "pytest-xdist",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "argon2": "argon2-cffi",
    "cv2": "opencv-python",
    "skimage": "scikit-image",
    "tpm2_pytss": "tpm2-pytss",
    "fpdf": "fpdf2",
}


class TestWhatIsInstalled:
    """A new installation has only the packages that pyproject.toml names."""

    def declared(self, *groups):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        lines = [*project["dependencies"]]
        for group in groups:
            lines += project["optional-dependencies"][group]
        return {re.match(r"[\w.-]+", line).group().lower().replace("_", "-") for line in lines}

    def foreign(self, *packages):
        """Return the packages of other projects that these folders import."""
        found = {module.split(".")[0] for path in sources(*packages) for module in imports(path)}
        found -= {*PACKAGES, "tests", *sys.stdlib_module_names}
        return {PACKAGE_OF.get(name, name).lower().replace("_", "-") for name in found}

    def test_includes_all_that_the_packages_import(self):
        assert self.foreign(*PACKAGES) - self.declared("tpm", "oidc") == set()

    @pytest.mark.parametrize(
        ("extra", "modules", "allowed"),
        [
            ("tpm", {"tpm2-pytss"}, "kiosk_agent/identity/tpm.py"),
            ("oidc", {"authlib", "joserfc"}, "signaling/auth/oidc/provider.py"),
        ],
    )
    def test_an_extra_is_imported_by_one_module_alone_and_inside_a_function(self, extra, modules, allowed):
        assert self.declared(extra) - self.declared() == modules
        names = "tpm2_pytss" if extra == "tpm" else "authlib|joserfc"
        for path in sources(*PACKAGES):
            found = re.findall(rf"^( *)(?:import|from) (?:{names})", path.read_text("utf-8"), re.M)
            assert not found or (path == ROOT / allowed and all(found)), path

    def test_includes_all_that_the_tests_import(self):
        assert self.foreign("tests") - self.declared("dev") == set()
