"""The pages that the wall prints beside each account take its role."""

import re
from pathlib import Path

import pytest

import signaling
from broker.control.store.records import Role
from huijian.demo.wall.command import PAGES

WEB = Path(signaling.__file__).parent / "web"
EVERYBODY = set(Role)


def roles_of(page: str) -> set[Role]:
    """Return the roles that a page takes, by its source; the page of the own account takes all."""
    source = WEB / {"audit": "ui/audit/page.js"}.get(page, f"app/{page}.js")
    text = source.read_text("utf-8")
    listed = re.search(r"PARTS = \{(.*?)\};" if page == "audit" else r"new Set\(\[(.*?)\]\)", text, re.DOTALL)
    if page == "account":
        return EVERYBODY
    assert listed is not None
    found = re.findall(r"(\w+): \[", listed[1]) if page == "audit" else re.findall(r'"(\w+)"', listed[1])
    return {Role(name) for name in found}


@pytest.mark.parametrize("role", Role)
def test_every_printed_page_takes_the_role_beside_which_it_stands(role: Role) -> None:
    assert PAGES[role], "each account has a page to try"
    for page in PAGES[role]:
        assert role in roles_of(page), page
