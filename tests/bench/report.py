"""The report of a run: a table of medians and ranges, the largest step that each system sustained, and a curve."""

from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.measure import Row

MAX_LOSS, MAX_P99 = 0.1, 10.0  # per cent and milliseconds: the most at a step that a system sustains
COMPARED = 15  # sessions at which the CPU time of a packet is compared
COLOURS = ("green", "red", "magenta", "yellow", "cyan", "blue")
MARKS = "●◆▲■○◇"
WIDTH, HEIGHT = 72, 16
Steps = dict[tuple[str, int], list[Row]]


def grouped(rows: list[Row]) -> Steps:
    """Return the repetitions of each step, in the order in which systems were measured.

    Repetitions that other processes disturbed are left out where an undisturbed one is there."""
    found: Steps = {}
    order = list(dict.fromkeys(row.system for row in rows))
    for row in sorted(rows, key=lambda row: (order.index(row.system), row.sessions, row.repetition)):
        found.setdefault((row.system, row.sessions), []).append(row)
    return {step: [row for row in each if not row.disturbed] or each for step, each in found.items()}


def sustained(row: Row) -> bool:
    """Whether the system sustained this step: neither loss, latency nor content was bad."""
    return row.loss < MAX_LOSS and row.p99 < MAX_P99 and not row.wrong and not row.silent


def show(console: Console, rows: list[Row], load: str) -> None:
    """Print the whole report of the rows measured under this `load`."""
    steps = grouped(rows)
    console.print(_table(steps, load))
    for system in dict.fromkeys(row.system for row in rows):
        console.print(_verdict(system, steps))
    for line in ratios(steps):
        console.print(line)
    console.print(_curve(steps))
    for line in _doubts(rows):
        console.print(line, style="yellow")


def _table(steps: Steps, load: str) -> Table:
    table = Table(title=f"{load}, medians (ranges)", header_style="bold")
    table.add_column("system")
    for head in ("sessions", "µs/packet", "CPU %", "out/s", "loss %", "p50 ms", "p99 ms", "MB/session", "compared"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("sustained", justify="right")
    last = ""
    for (system, count), rows in steps.items():
        if system != last and last:
            table.add_section()
        kept, wrong = sum(map(sustained, rows)), sum(row.wrong for row in rows)
        table.add_row(
            "" if system == last else system,
            str(count),
            _range(rows, lambda row: row.micros, 1),
            _range(rows, lambda row: row.cpu, 0),
            f"{median(row.packets_out for row in rows):,.0f}",
            _range(rows, lambda row: row.loss, 3),
            f"{median(row.p50 for row in rows):.2f}",
            _range(rows, lambda row: row.p99, 1),
            f"{median(row.megabytes for row in rows):.1f}",
            f"{sum(row.sampled for row in rows):,}" + (f", {wrong} wrong" if wrong else ""),
            f"{kept}/{len(rows)}",
            style=None if kept == len(rows) else "dim",
        )
        last = system
    return table


def _range(rows: list[Row], value: Callable[[Row], float], digits: int) -> str:
    """Return the median, with the range where the values differ."""
    values = [value(row) for row in rows]
    middle, low, high = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}-{high})"


def carried(system: str, steps: Steps) -> int:
    """Return the largest step that `system` sustained in most repetitions, or 0."""
    each = [count for (name, count), rows in steps.items() if name == system and _mostly(rows)]
    return max(each, default=0)


def _mostly(rows: list[Row]) -> bool:
    return 2 * sum(map(sustained, rows)) > len(rows)


def ratios(steps: Steps) -> list[str]:
    """Return a line for the relay and each other system: sessions sustained, and CPU time of a packet at COMPARED."""
    systems = list(dict.fromkeys(system for system, _ in steps))
    ours = [system for system in systems if system.startswith("relay")]
    return [_ratio(system, other, steps) for system in ours for other in systems if other not in ours]


def _ratio(system: str, other: str, steps: Steps) -> str:
    parts = []
    mine, theirs = carried(system, steps), carried(other, steps)
    if mine and theirs:
        parts.append(f"{mine / theirs:.2f} times its sessions ({mine} against {theirs})")
    pairs = [
        a.micros / b.micros
        for a in steps.get((system, COMPARED), [])
        for b in steps.get((other, COMPARED), [])
        if a.repetition == b.repetition
    ]
    if pairs:
        each = f"{min(pairs):.2f}-{max(pairs):.2f}, {len(pairs)} pairs"
        parts.append(f"{median(pairs):.2f} of its CPU a packet at {COMPARED} sessions ({each})")
    return f"{system} / {other}: " + (", ".join(parts) or "no step that both carried")


def _verdict(system: str, steps: Steps) -> str:
    """Return the line with the largest step sustained in most repetitions."""
    most = carried(system, steps)
    reached = f"{most} sessions" if most else "none of the steps tried"
    return f"{system}: carries {reached} on one core (loss < {MAX_LOSS} %, p99 < {MAX_P99:g} ms in most repetitions)"


def _curve(steps: Steps) -> Text:
    """Return a plot of the CPU of the core against sessions, each system with its own mark."""
    systems = list(dict.fromkeys(system for system, _ in steps))
    widest = max(count for _, count in steps)
    grid: list[list[tuple[str, str]]] = [[(" ", "")] * (WIDTH + 1) for _ in range(HEIGHT + 1)]
    for (system, count), rows in steps.items():
        number = systems.index(system)
        cpu = min(100.0, median(row.cpu for row in rows))
        x, y = round(count / widest * WIDTH), HEIGHT - round(cpu / 100 * HEIGHT)
        grid[y][x] = (MARKS[number % len(MARKS)], COLOURS[number % len(COLOURS)])
    text = Text("\nCPU of one core against sessions\n", style="bold")
    for y, line in enumerate(grid):
        text.append(f"{100 * (HEIGHT - y) // HEIGHT:>4}% │" if y % 4 == 0 else "      │", style="not bold dim")
        for mark, colour in line:
            text.append(mark, style=f"not bold {colour}")
        text.append("\n")
    text.append("      └" + "─" * (WIDTH + 1) + "\n", style="not bold dim")
    text.append(f"       0{widest:>{WIDTH}} sessions\n", style="not bold dim")
    for number, system in enumerate(systems):
        text.append(f"       {MARKS[number % len(MARKS)]} {system}", style=f"not bold {COLOURS[number % len(COLOURS)]}")
    return text


def _doubts(rows: list[Row]) -> list[str]:
    """Return the lines that warn a reader: errors of steps, and steps that other processes disturbed."""
    doubts = [f"{row.system} @{row.sessions}, repetition {row.repetition}: {row.note}" for row in rows if row.note]
    disturbed = [row for row in rows if row.disturbed]
    if disturbed:
        names = ", ".join(f"{row.system} @{row.sessions} ({row.repetition})" for row in disturbed)
        doubts.append(
            f"disturbed by other processes, and left out where an undisturbed repetition is there: {len(disturbed)} of "
            f"{len(rows)} steps; they used up to "
            f"{max(row.foreign for row in disturbed):.0f} % of the server's core, and up to "
            f"{max(row.late for row in disturbed):.1f} % of the packets left 2 ms late or more: {names}"
        )
    return doubts
