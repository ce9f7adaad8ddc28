"""The table of results: for people at a terminal, and as Markdown for docs/operations.md."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.hostile.flood import Result

MIB = 1 << 20
WAIT = 0.1  # seconds without a core that are worth a word


def rate(result: Result) -> str:
    """Return what the attacker reached a second, with separators."""
    return f"{result.rate:,.0f}/s"


def verdict(result: Result) -> str:
    """Return what was broken; a busy machine is said, because it explains a pause."""
    if not result.broken:
        return "holds"
    quiet = " (busy machine)" if result.disturbed else ""
    return "; ".join(result.broken) + quiet


def cpu(result: Result) -> str:
    """Return the two processes that used most of a core, in percent."""
    costs = result.attacked.costs
    most = sorted(costs.cpu.items(), key=lambda each: -each[1])[:2]
    return " ".join(f"{name} {100 * seconds / max(costs.seconds, 0.1):.0f}" for name, seconds in most)


def line(result: Result) -> str:
    """Return one line about a row that has just run."""
    quiet, attacked = result.quiet, result.attacked
    grown, name = result.growth
    waited, starved = attacked.costs.starved
    counts = ", ".join(f"{what} {number}" for what, number in sorted(result.counts.items()))
    return (
        f"{'ok  ' if not result.broken else 'FAIL'} {result.row.name}: {rate(result)} ({counts}); "
        f"gap {attacked.gap:.2f} (raw {attacked.raw_gap:.2f}, quiet {quiet.gap:.2f}, late {attacked.late:.2f}"
        + (f", {starved} without a core for {waited:.2f}" if waited > WAIT else "")
        + "), "
        f"sign-in {attacked.sign_in:.1f}/{attacked.new_device:.1f} (quiet {quiet.sign_in:.1f}/{quiet.new_device:.1f}), "
        f"join {attacked.join:.1f} (quiet {quiet.join:.1f}), tcp {attacked.tcp:.1f}, "
        f"+{grown / MIB:.0f} MiB {name}, log {attacked.costs.log_bytes} B, "
        f"journal {attacked.entries} (quiet {quiet.entries}), cpu {cpu(result)}"
        + (f"\n     {verdict(result)}" if result.broken else "")
        + (f"\n     heard: {', '.join(dict.fromkeys(attacked.heard))}" if attacked.heard else "")
    )


COLUMNS = (
    "class",
    "rate",
    "gap s",
    "quiet s",
    "sign-in s",
    "new device s",
    "join s",
    "MiB",
    "log B",
    "entries",
    "result",
)


def cells(result: Result) -> tuple[str, ...]:
    """Return the cells of one row of the table."""
    attacked = result.attacked
    return (
        result.row.name,
        rate(result),
        f"{attacked.gap:.2f}",
        f"{result.quiet.gap:.2f}",
        f"{attacked.sign_in:.1f}",
        f"{attacked.new_device:.1f}",
        f"{attacked.join:.1f}",
        f"{result.growth[0] / MIB:.0f}",
        f"{attacked.costs.log_bytes:,}",
        f"{max(0, attacked.entries - result.quiet.entries)}",
        verdict(result),
    )


def show(console: Console, results: Sequence[Result]) -> None:
    """Print the table, and how many rows hold."""
    table = Table(*COLUMNS)
    for result in results:
        table.add_row(*cells(result))
    console.print(table)
    failed = sum(bool(result.broken) for result in results)
    console.print(f"{len(results) - failed} of {len(results)} rows hold")


def markdown(results: Sequence[Result]) -> str:
    """Return the table "rates tried" of docs/operations.md, in both languages."""
    head = (
        "| 类别 · class | 攻击 · attack | 达到的速率 · rate | 对方最长间断 · far room's gap | 登录 · sign-in "
        "| 新终端 · new kiosk | 内存 · memory | 日志 · log |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for result in results:
        attacked = result.attacked
        sign_in = max(attacked.sign_in, attacked.new_device if result.row.limits.new_device <= 3 else 0.0)
        memory, log = result.growth[0] / MIB, attacked.costs.log_bytes / 1024
        lines.append(
            f"| `{result.row.name}` | {result.row.zh} | {rate(result)} | {attacked.gap:.2f} s | {sign_in:.1f} s "
            f"| {attacked.join:.1f} s | +{memory:.0f} MiB | {log:.0f} KiB |"
        )
    return "\n".join(lines)
