"""Prints plans and outcomes of a purge for people."""

from datetime import datetime

from rich.console import Console
from rich.table import Table

from broker.kernel.clock import in_shanghai
from recorder.retention.plan import Plan
from recorder.retention.purge import Outcome
from recorder.retention.rules import QUIET

GIGABYTE = 1e9
WORDS = {
    "held": "held (保全)",
    "not_due": "kept longer by today's policy",
    "undated": "without a due date",
    "clock_back": "clock not trusted",
    "wrong_clock": "made with a wrong clock (时钟有误): see purge clock",
    "broken_chain": "of a site whose chain is not whole: verify (链不完整)",
}


def show_plan(plan: Plan) -> None:
    """Print one line a site, totals, and what stays although its date has come."""
    console = Console()
    title = f"Due at {_day(plan.scope.as_of)} {in_shanghai(plan.scope.as_of):%H:%M:%S} (Asia/Shanghai)"
    table = Table(title=title, title_justify="left", header_style="bold", show_footer=True)
    gigabytes = f"{plan.bytes / GIGABYTE:,.1f}"
    for name, footer in (("site", "total"), ("recordings", f"{plan.recordings:,}"), ("GB", gigabytes)):
        table.add_column(name, footer, justify="left" if name == "site" else "right")
    table.add_column("oldest end")
    table.add_column("newest end")
    for site, total in sorted(plan.sites.items()):
        counts = (f"{total.recordings:,}", f"{total.bytes / GIGABYTE:,.1f}")
        table.add_row(site, *counts, _day(total.oldest), _day(total.newest))
    console.print(table)
    for why, count in sorted(plan.kept.items()):
        console.print(f"stays: {count:,} {WORDS.get(why, why)}", markup=False)
    for site, why in sorted(plan.scope.chains.broken.items()):
        console.print(f"WARNING: the chain of {site}: {why}", style="bold red", markup=False)
    end = plan.scope.witnessed
    if end is not None and plan.scope.as_of - end > QUIET:
        days = (plan.scope.as_of - end).days
        console.print(
            f"WARNING: nothing was recorded or journaled for {days} days. Is the clock right?", style="bold red"
        )
    console.print("Nothing was deleted.", markup=False)


def show_outcome(outcome: Outcome) -> None:
    """Print what was deleted, what was not, and why."""
    for session, why in outcome.kept:
        print(f"KEPT {session} ({WORDS.get(why, why)})")
    for session, why in outcome.failed:
        print(f"FAILED {session} ({why}); purge --resume tries it again")
    if outcome.withdrawn:
        print(f"WITHDRAWN {outcome.withdrawn} marks of a plan that was not ordered")
    print(f"DELETED {outcome.deleted} recordings, {outcome.bytes} bytes")


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{in_shanghai(moment):%Y-%m-%d}"
