"""What may be a password: long enough, not made of the account's own names, and none that is tried first. Pure."""

import re
from functools import cache
from itertools import pairwise

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from broker.kernel.errors import BadRequest

SHORTEST = 10
FEWEST_SIGNS = 5
"""Different characters of a password."""
SHORTEST_ID, SHORTEST_NAME = 3, 2
"""A shorter id or name is found in many texts by chance."""
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def check(password: str, user: str, name: str = "") -> None:
    """Check that an account may have this password. Raises BadRequest, which says what is wrong."""
    plain = password.casefold()
    if len(password) < SHORTEST:
        raise BadRequest(f"A password has at least {SHORTEST} characters.", f"密码至少 {SHORTEST} 个字符。")
    named = len(user) >= SHORTEST_ID and user.casefold() in plain
    if named or (len(name) >= SHORTEST_NAME and name.casefold() in plain):
        raise BadRequest(
            "The password contains the user's name: choose another one.", "密码不得包含姓名或用户名，请另设密码。"
        )
    if len(set(plain)) < FEWEST_SIGNS or _is_run(plain) or _is_usual(plain):
        raise BadRequest(
            "This password is one of those that are tried first (a usual word, digits alone, a run of keys): choose "
            "several words that have nothing to do with each other.",
            "该密码过于常见（常用词、纯数字或连续字符），容易被猜到，请另设密码，例如几个互不相关的词。",
        )


def _is_run(plain: str) -> bool:
    """Whether each character follows the one before it in the alphabet, or precedes it."""
    return len({ord(after) - ord(before) for before, after in pairwise(plain)}) == 1


def _is_usual(plain: str) -> bool:
    """Whether a password is a usual one, also with digits and signs around it, or has nothing but those."""
    core = _AROUND.sub("", plain)
    return not core or plain in _usual() or core in _usual()


@cache
def _usual() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
