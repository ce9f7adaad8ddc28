"""`huijian verify --journal`: proves an export of the journal by its files and a public key."""

from dataclasses import asdict
from pathlib import Path

from huijian.errors import FOUND
from huijian.output import say
from recorder.evidence.signing import Keys
from signaling.journal.check import Checked, check

SHOWN = ("from", "to", "made_at", "made_by", "reason", "first", "last", "entries", "before", "head")


def verify_journal(path: Path, keys: Keys, json: bool) -> int:
    """Print what an export is and what does not fit, and return the exit code."""
    checked = check(path, keys)
    if json:
        _say_json(path, checked)
    else:
        _say(checked)
    return FOUND if checked.findings else 0


def _say_json(path: Path, checked: Checked) -> None:
    shown = {name: checked.manifest.get(name) for name in SHOWN}
    findings = [asdict(finding) for finding in checked.findings]
    facts = {"ok": not findings, "file": str(path), **shown, "covered": checked.covered}
    say({**facts, "checkpoint": checked.checkpoint, "findings": findings}, as_json=True)


def _say(checked: Checked) -> None:
    for finding in checked.findings:
        print(f"{finding.kind.upper()} {_printable(finding.place)}: {_printable(finding.en)} {finding.zh}")
    manifest = checked.manifest
    if not checked.findings:
        print(
            f"WHOLE journal {manifest['from']}..{manifest['to']}: entries {manifest['first']}..{manifest['last']} "
            f"({manifest['entries']}) 日志导出完好"
        )
    if checked.covered:
        print(f"COVERED entries {manifest['first']}..{checked.covered} by checkpoint {checked.checkpoint}")
    if manifest and checked.covered < manifest["last"]:
        print("UNCOVERED the last entries have no checkpoint; the manifest signs them 末尾条目尚无检查点，由清单保证")


def _printable(text: str) -> str:
    """Return a text from the file without signs that would move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
