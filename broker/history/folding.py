"""The folding of names into one spelling, and the pieces of one and two characters by which parts of names are found.
Pure.

Chinese names have two to four characters, and people search for one of them or two: an index of trigrams, such as that
of SQLite's FTS5, would find none. Pieces of one and two characters are equal values in an ordinary index, which SQLite
and PostgreSQL keep alike.
"""

import re
import unicodedata

_LEFT_OUT = re.compile(r"[\s·•・‧．.'’\-]+")  # between the parts of a name, spelled in many ways


def folded(name: str) -> str:
    """Return a name in the one spelling that is compared: full-width letters narrow, letters small, without what stands
    between its parts."""
    return _LEFT_OUT.sub("", unicodedata.normalize("NFKC", name).casefold())


def pieces(name: str) -> set[str]:
    """Return the pieces of one and two characters of a folded name."""
    return set(name) | {name[at : at + 2] for at in range(len(name) - 1)}


def needed(part: str) -> set[str]:
    """Return the pieces that a folded name has which contains `part`: as few as tell the most."""
    return {part[at : at + 2] for at in range(len(part) - 1)} if len(part) > 1 else {part}
