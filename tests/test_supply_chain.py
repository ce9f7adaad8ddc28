"""What is installed is locked, by version and hash, and the locks agree with pyproject.toml; findings about it are
either accepted with a reason or fail."""

import json
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.support import supply_chain
from tests.support.supply_chain import DEV, RUN, Finding, NotAudited, accepted, findings, pinned

PROJECT = tomllib.loads((supply_chain.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {"run": (RUN, PROJECT["dependencies"] + EXTRAS["oidc"]), "dev": (DEV, PROJECT["dependencies"] + EXTRAS["dev"])}
REPORT = json.dumps(
    {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": []}]},
        ],
        "fixes": [],
    }
)


class TestLocks:
    @pytest.mark.parametrize("name", LOCKS)
    def test_agree_with_the_project(self, name):
        lock, wanted = LOCKS[name]
        versions = pinned(lock)
        for requirement in map(Requirement, wanted):
            key = re.sub(r"[-_.]+", "-", requirement.name).lower()
            assert versions.get(key), f"{requirement} is not locked: make lock"
            assert all(map(requirement.specifier.contains, versions[key])), f"{requirement}: make lock"

    def test_have_the_same_versions(self):
        run, dev = pinned(RUN), pinned(DEV)
        assert {name: versions for name, versions in run.items() if dev.get(name) != versions} == {}

    @pytest.mark.parametrize("lock", [RUN, DEV], ids=["run", "dev"])
    def test_have_a_hash_for_each_package_and_nothing_of_the_machine_that_wrote_them(self, lock):
        entries = re.split(
            r"\n(?=[a-z0-9])", "\n".join(line for line in lock.read_text().splitlines() if line[:1] != "#")
        )
        assert len(entries) > 50
        for entry in entries:
            assert re.fullmatch(
                r"\s*[a-z0-9._-]+==\S+( ; [^\\]+)? \\\n(\s+--hash=sha256:[0-9a-f]{64}( \\\n|\s*))+", entry
            )


class TestFindings:
    def test_are_read_from_the_report(self):
        assert list(findings(REPORT)) == [Finding("b", "2", "PYSEC-1", frozenset({"CVE-1"}))]

    @pytest.mark.parametrize(
        ("reasons", "code"), [({}, 1), ({"CVE-1": "why"}, 0), ({"PYSEC-1": "why"}, 0), ({"X": "why"}, 1)]
    )
    def test_fail_unless_they_are_accepted_by_any_of_their_ids(self, monkeypatch, capsys, reasons, code):
        monkeypatch.setattr(supply_chain, "write_bill", lambda: None)
        monkeypatch.setattr(supply_chain, "audit", lambda lock: list(findings(REPORT)))
        monkeypatch.setattr(supply_chain, "accepted", lambda: reasons)
        assert supply_chain.main() == code
        assert ("PYSEC-1" in capsys.readouterr().out) == bool(code)

    def test_that_could_not_be_looked_for_are_not_said_to_be_none(self, monkeypatch, capsys):
        def audit(lock):
            raise NotAudited("it cannot be reached from here")

        monkeypatch.setattr(supply_chain, "write_bill", lambda: None)
        monkeypatch.setattr(supply_chain, "audit", audit)
        assert supply_chain.main() == 0
        assert "NOT looked for" in capsys.readouterr().out

    def test_that_the_database_knows_nothing_of_count_as_not_looked_for(self):
        report = json.loads(REPORT)
        report["dependencies"][0] = {"name": "a", "skip_reason": "not found"}
        with pytest.raises(NotAudited, match="1 of 2"):
            list(findings(json.dumps(report)))

    def test_are_accepted_with_a_reason_alone(self, tmp_path):
        file = tmp_path / "accepted.txt"
        file.write_text("# a comment\nCVE-1 it is in code that we never call\n")
        assert accepted(file) == {"CVE-1": "it is in code that we never call"}
        file.write_text("CVE-1\n")
        with pytest.raises(ValueError, match="no reason"):
            accepted(file)

    def test_that_are_accepted_have_their_reasons(self):
        accepted()
