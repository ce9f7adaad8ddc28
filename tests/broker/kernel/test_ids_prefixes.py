"""Prefixes of ids and secrets: each means one thing, and docs/protocol.md says which."""

import re
from collections import Counter
from pathlib import Path

from broker.control.store.devices.sessions import PREFIX as SESSION

ROOT = Path(__file__).parents[3]
FOLDERS = ("broker", "signaling", "recorder", "kiosk_agent", "huijian")
MADE = re.compile(r"""new_(?:id|token)\((?:f?"(\w+)"|(kind|PREFIX)\))|Id\(f"([a-z]+)_\{""")
ROW = re.compile(r"\*{0,2}`([a-z_]+)_`\*{0,2} \| (?!\|)[^|]+")


def made():
    """Return the prefixes that the sources use; `kind` stands for the two kinds of keys, `PREFIX` for a terminal's
    sign-in."""
    found = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for groups in MADE.findall(path.read_text("utf-8")):
                found.add(next(each for each in groups if each))
    return (found - {"kind", "PREFIX"}) | {"key", "obs", "key_secret", "obs_secret", SESSION}


def documented():
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    part = text[text.index("Prefixes of ids and secrets") :]
    return Counter(ROW.findall(part[: part.index("\n## ")]))


class TestPrefixes:
    def test_each_is_documented_once(self):
        assert set(documented()) == made()
        assert set(documented().values()) == {1}

    def test_a_secret_is_told_from_every_id(self):
        """A key's secret has a word more than its id, so that neither is sent in the place of the other."""
        bold = set(re.findall(r"\*\*`([a-z_]+)_`\*\*", (ROOT / "docs" / "protocol.md").read_text("utf-8")))
        assert bold == {"usr", "trs", "key_secret", "obs_secret", "inv", "drl"}
        assert bold & (set(documented()) - bold) == set()
