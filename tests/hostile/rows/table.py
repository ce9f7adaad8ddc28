"""The whole table of attacks, and the choice of rows by name."""

from tests.hostile.rows import encrypted, known, port, strangers
from tests.hostile.rows.row import Row

ROWS = (*strangers.ROWS, *known.ROWS, *port.ROWS, *encrypted.ROWS)


def chosen(names: str) -> list[Row]:
    """Return the rows whose names contain one of some words, which commas separate; all rows for none."""
    words = [word.strip() for word in names.split(",") if word.strip()]
    return [row for row in ROWS if not words or any(word in row.name for word in words)]
