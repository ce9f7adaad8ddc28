"""The documents that are made from the code, each with the function that renders it."""

from collections.abc import Callable
from pathlib import Path

from tests.support.documents import rules, state_diagram

ROOT = rules.ROOT

MADE: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "rules.md": rules.render,
    ROOT / "ARCHITECTURE.md": state_diagram.render,
}
