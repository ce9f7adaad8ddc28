"""The masking of names and numbers in what is made public (Guangdong 30: the ledger is made public; 31(5) and 32: what
is personal is not). Pure.

What is left is the first letter of a name, as on lists that offices put up: 欧**. The number of stars is always the
same, so that the length of a name is not told."""

import unicodedata

STARS, HIDDEN = "**", "****"
LEFT = 2
"""Characters at the end of a number that are left, for the person who knows the whole number."""
ENOUGH = 6
"""Characters that a number has at least of which some are left: of a shorter one, two would be too much."""


def masked_name(name: str) -> str:
    """Return the first letter of a name and two stars; only the stars where it begins with no letter."""
    first = unicodedata.normalize("NFC", name.strip())[:1]
    return first + STARS if first and unicodedata.category(first)[0] == "L" else STARS


def masked_number(number: str) -> str:
    """Return four stars and the last two characters of a number; "" where there is none."""
    bare = "".join(sign for sign in number if unicodedata.category(sign)[0] in "LN")
    if not bare:
        return ""
    return HIDDEN + (bare[-LEFT:] if len(bare) >= ENOUGH else "")
