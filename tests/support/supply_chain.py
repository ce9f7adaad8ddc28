"""`python -m tests.support.supply_chain`: write what the product consists of (a CycloneDX document, by cyclonedx-py),
and look for known vulnerabilities of what is locked (pip-audit). A finding fails unless `requirements/accepted.txt`
gives the reason why it is none here; without a way to the database of vulnerabilities it says so and fails nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
RUN, DEV, ACCEPTED = REQUIREMENTS / "run.lock", REQUIREMENTS / "dev.lock", REQUIREMENTS / "accepted.txt"
BILL = ROOT / "build" / "sbom.cdx.json"
SECONDS = 120
UNREACHABLE = re.compile(r"ConnectionError|ServiceError|NameResolution|Max retries|timed out|ProxyError")
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


class Finding(NamedTuple):
    """A known vulnerability of a locked package."""

    package: str
    version: str
    id: str
    also: frozenset[str]  # its other ids


class NotAudited(Exception):
    """The database of vulnerabilities could not be asked."""


def pinned(lock: Path) -> dict[str, set[str]]:
    """Return the versions in a lock by package; several where markers choose."""
    found: dict[str, set[str]] = {}
    for name, version in PINNED.findall(lock.read_text("utf-8")):
        found.setdefault(name, set()).add(version)
    return found


def accepted(file: Path = ACCEPTED) -> dict[str, str]:
    """Return the findings that are none here, each with its reason. Raises ValueError for one without."""
    reasons = {}
    for line in file.read_text("utf-8").splitlines():
        id, _, reason = line.partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if len(reason.split()) < 4:
            raise ValueError(f"{file.name}: {id} has no reason")
        reasons[id] = reason.strip()
    return reasons


def findings(report: str) -> Iterator[Finding]:
    """Yield the findings in a report of pip-audit (JSON). Raises NotAudited where the database had no answer about a
    package, as a mirror of the package index has none: to pip-audit itself that is no failure."""
    dependencies = json.loads(report)["dependencies"]
    skipped = [dependency["name"] for dependency in dependencies if "skip_reason" in dependency]
    if skipped:
        raise NotAudited(f"no answer about {len(skipped)} of {len(dependencies)} packages, {skipped[0]} among them")
    for dependency in dependencies:
        for found in dependency.get("vulns", ()):
            yield Finding(dependency["name"], dependency["version"], found["id"], frozenset(found["aliases"]))


def audit(lock: Path) -> list[Finding]:
    """Return the findings about a lock. Raises NotAudited."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--requirement", str(lock)], capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NotAudited("no answer in time") from None
    if done.stdout.lstrip().startswith("{"):
        return list(findings(done.stdout))
    if UNREACHABLE.search(done.stderr):
        raise NotAudited("it cannot be reached from here")
    raise SystemExit(f"pip-audit failed: {(done.stderr.strip() or str(done.returncode)).splitlines()[-1]}")


def write_bill() -> None:
    """Write the document of what the product consists of at run time."""
    BILL.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(RUN), "--of", "JSON", "--sv", "1.6"]
    subprocess.run([*command, "--output-reproducible", "-o", str(BILL)], check=True, capture_output=True)


def main() -> int:
    """Write the document and audit; return 1 where there are findings."""
    write_bill()
    reasons = accepted()
    try:
        found = audit(DEV)  # has all of RUN
    except NotAudited as why:
        print(f"known vulnerabilities were NOT looked for: {why}. 未能查询已知漏洞。")
        return 0
    open_findings = [finding for finding in found if not ({finding.id} | finding.also) & reasons.keys()]
    for finding in open_findings:
        print(f"{finding.package} {finding.version}: {finding.id} {' '.join(sorted(finding.also))}")
    return 1 if open_findings else 0


if __name__ == "__main__":
    sys.exit(main())
