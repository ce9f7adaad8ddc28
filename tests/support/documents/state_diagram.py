"""Renders ARCHITECTURE.md with the state diagram of a session, drawn from the table of moves of the core, and with the
facts that each state takes, from the transition table."""

from pathlib import Path

from broker.session.moves import edges
from broker.session.state import State
from broker.session.transitions import TRANSITIONS

ROOT = Path(__file__).parents[3]
BEGIN, END = "<!-- state diagram: begin -->", "<!-- state diagram: end -->"


def render(root: Path = ROOT) -> str:
    """Return the text of ARCHITECTURE.md with a new diagram between its marks."""
    text = (root / "ARCHITECTURE.md").read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{diagram()}\n\n{facts()}\n{END}{after}"


def diagram() -> str:
    """Return the states and the moves between them as a Mermaid diagram."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.SCHEDULED.name}"]
    for (before, after), causes in edges().items():
        lines += [f"    {before.name} --> {after.name}: {' / '.join(causes)}"]
    return "\n".join([*lines, f"    {State.ENDED.name} --> [*]", "```"])


def facts() -> str:
    """Return the facts that each state takes beyond those that every state before the end takes."""
    common = set.intersection(*(set(facts) for state, facts in TRANSITIONS.items() if state is not State.ENDED))
    lines = [f"Every state before ENDED takes {_names(common)}.", "", "| state | takes also |", "|---|---|"]
    for state, taken in TRANSITIONS.items():
        lines.append(f"| {state.name} | {_names(set(taken) - common) or 'nothing'} |")
    return "\n".join(lines)


def _names(kinds: set[type]) -> str:
    return ", ".join(sorted(f"`{kind.__name__}`" for kind in kinds))
