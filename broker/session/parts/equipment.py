"""Verdicts on a room's equipment from the figures that its terminal measured (Yunnan 12), decided here alone.

A check passes when each of its figures is on the right side of the policy's limit. One that was not measured is not
checked: a headless terminal has no loudspeaker, a virtual machine no temperature.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from config.articles.equipment import EquipmentRules


class Verdict(StrEnum):
    """Verdict of one check of a room's equipment. NOT_CHECKED: there was nothing to measure."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class Limit(NamedTuple):
    """One figure of a check: the rule of the policy that limits it, on which side, and how many units of the rule make
    one of the figure. The size of a figure counts, not its sign, where `sign` is false."""

    figure: str
    rule: str
    at_least: bool
    scale: float = 1
    sign: bool = True

    def holds(self, figure: float, rules: EquipmentRules) -> bool:
        """Whether a figure is on the right side, the limit itself included."""
        value, limit = (figure if self.sign else abs(figure)) * self.scale, float(getattr(rules, self.rule))
        return value >= limit if self.at_least else value <= limit


CHECKS: Mapping[str, tuple[Limit, ...]] = {
    "camera": (Limit("width", "width", True), Limit("rate", "rate", True)),
    "black": (Limit("luma", "luma", True), Limit("black", "black", False, 100)),
    "frozen": (Limit("change", "change", True, 1000),),
    "blurred": (Limit("blur", "blur", False, 10),),
    "backlit": (Limit("backlight", "backlight", False, 10),),
    "microphone": (Limit("level", "level", True),),
    "clipped": (Limit("clipped", "clipped", False, 1000),),
    "hum": (Limit("hum", "hum", False),),
    "speaker": (Limit("sweep", "sweep", True), Limit("delay", "delay", False)),
    "network": (Limit("answer", "answer", False),),
    "line": (
        Limit("loss_up", "loss", False, 1000),
        Limit("loss_down", "loss", False, 1000),
        Limit("jitter", "jitter", False),
        Limit("round_trip", "round_trip", False),
        Limit("up", "up", True),
        Limit("down", "down", True),
    ),
    "clock": (Limit("clock", "clock", False, sign=False),),
    "disk": (Limit("disk", "disk", True),),
    "temperature": (Limit("temperature", "temperature", False),),
}
"""The checks in the order in which they are shown, each with its figures."""
NEEDED = ("camera", "microphone", "network")
"""Checks without which no test passes: a terminal that measured nothing has not tested anything."""
FIGURES = frozenset(limit.figure for limits in CHECKS.values() for limit in limits)
"""The names of all figures that have a limit."""


def verdicts(figures: Mapping[str, float], rules: EquipmentRules) -> dict[str, Verdict]:
    """The verdict of each check. One figure on the wrong side fails a check, whatever was not measured beside it."""
    return {check: _verdict(figures, limits, rules) for check, limits in CHECKS.items()}


def passes(found: Mapping[str, str]) -> bool:
    """Whether a visit can begin with this equipment: nothing failed, and what is needed was checked."""
    return Verdict.FAILED not in found.values() and all(found.get(check) == Verdict.PASSED for check in NEEDED)


def _verdict(figures: Mapping[str, float], limits: tuple[Limit, ...], rules: EquipmentRules) -> Verdict:
    holds = [limit.holds(figures[limit.figure], rules) for limit in limits if limit.figure in figures]
    if not all(holds):
        return Verdict.FAILED
    return Verdict.PASSED if len(holds) == len(limits) else Verdict.NOT_CHECKED
