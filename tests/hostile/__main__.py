"""`make hostile`: floods beside a live visit, one class of attacker after another, and what each of them costs."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from tests.hostile.flood import Result
from tests.hostile.report import line, markdown, show
from tests.hostile.rows.table import ROWS, chosen
from tests.hostile.run import run

console = Console(width=max(Console().width, 170))


def main(
    only: Annotated[str, typer.Option(help="Rows whose names contain one of these words, with commas.")] = "",
    seconds: Annotated[float, typer.Option(help="Seconds of each flood, and of the quiet stretch before it.")] = 5.0,
    tries: Annotated[int, typer.Option(help="How often to try a row that does not hold; the last counts.")] = 1,
    names: Annotated[bool, typer.Option("--list", help="Show the rows and end.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of docs/operations.md.")] = False,
    entries: Annotated[bool, typer.Option("--kinds", help="Show the journal entries and the end of the log.")] = False,
) -> None:
    """Attack a running service beside a visit, on loopback only, and print what all others noticed.

    For each row: a quiet stretch, then the same stretch under attack. Meanwhile officers sign in, a kiosk joins, and a
    page connects by TCP. The pauses are those between packets at the far room, by the kernel's clock, less what the
    sending kiosk itself was late. Nothing is written but into a temporary folder. A row takes about three times
    --seconds; a quiet machine is needed for numbers that mean something.

    Examples: `python -m tests.hostile --only udp`, `--only sign-in --seconds 15`, `--list`."""
    rows = chosen(only)
    if names or not rows:
        for row in rows or ROWS:
            console.print(f"{row.name:28} {row.zh}", highlight=False)
        raise typer.Exit(0 if rows else 2)

    def tell(result: Result) -> None:
        console.print(line(result), highlight=False, soft_wrap=True)
        if entries:
            console.print(f"     entries: {result.attacked.kinds}", highlight=False, soft_wrap=True)
            console.print(f"     log: {result.attacked.costs.log_end}", highlight=False, soft_wrap=True, markup=False)

    results, gaps = asyncio.run(run(rows, seconds, tries, tell))
    show(console, results)
    for gap in gaps:
        console.print(gap, highlight=False)
    if as_markdown:
        print(markdown(results))
    raise typer.Exit(1 if gaps or any(result.broken for result in results) else 0)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
