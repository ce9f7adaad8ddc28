"""`make contract`: the interface against its OpenAPI document, as each role."""

import asyncio
from typing import Annotated

import typer

from tests.contract.run import CALLERS, Outcome, name_of, run


def main(
    minutes: Annotated[float, typer.Option(help="Minutes for all roles together.")] = 10.0,
    seed: Annotated[int, typer.Option(help="The seed from which all requests follow.")] = 1,
    only: Annotated[str, typer.Option(help="Roles, or `open`, with commas; all where it is empty.")] = "",
) -> None:
    """Send what the document allows and what it does not, as each role, and check every answer: no 5xx, no status, no
    header and no body that the document does not have. Loopback only; nothing is written but into a temporary folder.

    Example: `python -m tests.contract --minutes 2 --only auditor`."""
    named = {name_of(role): role for role in CALLERS}
    asked = only.split(",") if only else list(named)
    if not set(asked) <= set(named):
        typer.echo(f"no such role; there are: {', '.join(named)}", err=True)
        raise typer.Exit(2)
    roles = [role for name, role in named.items() if name in asked]
    outcomes = asyncio.run(_all(roles, minutes * 60 / len(roles), seed))
    raise typer.Exit(0 if all(outcome.sound for outcome in outcomes) else 1)


async def _all(roles: list[str], seconds: float, seed: int) -> list[Outcome]:
    outcomes = []
    async for outcome in run(roles, seconds, seed):
        verdict = "as described" if outcome.sound else "NOT as described"
        typer.echo(f"{outcome.role:12} {outcome.sent:6} requests  {verdict}")
        if not outcome.sound:
            typer.echo(outcome.report)
        outcomes.append(outcome)
    return outcomes


if __name__ == "__main__":
    typer.run(main)
