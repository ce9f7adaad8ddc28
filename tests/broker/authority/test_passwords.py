"""Passwords: what is refused, and that ordinary good ones pass."""

import pytest

from broker.authority import passwords
from broker.kernel.errors import BadRequest


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("shorter 9", "10 characters"),
        ("xx Wang-Fang xx", "name"),
        ("我是王小芳我在昆明上班", "name"),
        ("password123", "tried first"),
        ("Password2026!", "tried first"),
        ("qwertyuiop", "tried first"),
        ("1q2w3e4r5t", "tried first"),
        ("13888888888", "tried first"),
        ("2026-11-30!", "tried first"),
        ("aaaaaaaaaaaa", "tried first"),
        ("abababababab", "tried first"),
        ("abcdefghijkl", "tried first"),
        ("zyxwvutsrqpo", "tried first"),
        ("!!!strawberry99", "tried first"),
    ],
)
def test_what_is_guessed_first_is_refused_and_says_why(password, why):
    with pytest.raises(BadRequest, match=why) as refused:
        passwords.check(password, "wang-fang", "王小芳")
    assert refused.value.detail_zh and password not in refused.value.detail_en


@pytest.mark.parametrize(
    "password",
    ["quiet mountain river", "correct horse", "滇池边的红嘴鸥三月回", "x7Kq-pW2m-Zt9", "li bai writes poems"],
)
def test_others_pass(password):
    passwords.check(password, "wang-fang", "王小芳")
    passwords.check(password, "li", "李")  # too short to be looked for
