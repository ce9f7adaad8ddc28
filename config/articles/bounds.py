"""Bounds of the numbers in a pack: those that an article sets, and the owner's where the articles leave a number open.

Every number of a pack has a bound, so that no pack can make a rule mean nothing. Bounds are inclusive (Guangdong 39).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

OWNER_DECISION = "业主决定"
Value = int | timedelta


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound of one number of a pack, itself allowed, and the article that sets it.

    `field`: a rule of the policy, or one of its sections with a dot between (`alerts.black`). `demo`: whether it holds
    for the rules of a demonstration, too.
    """

    field: str
    edge: Literal["at_most", "at_least"]
    value: Value
    article: str
    demo: bool = True

    def allows(self, value: Value) -> bool:
        """Whether `value` (of the same type as the bound's) is the edge itself or stricter."""
        if isinstance(value, timedelta) and isinstance(self.value, timedelta):
            return value <= self.value if self.edge == "at_most" else value >= self.value
        if isinstance(value, int) and isinstance(self.value, int):
            return value <= self.value if self.edge == "at_most" else value >= self.value
        raise TypeError(f"{self.field} is a {type(self.value).__name__}")


def owners(province: str, article: str) -> str:
    """The citation of a bound that the owner decided, because that article sets no number."""
    return f"{OWNER_DECISION}（{province} {article}未定数）"


def owner_bounds(province: str, **articles: str) -> tuple[Bound, ...]:
    """The owner's bounds for one province; `articles`: subject -> the article there that leaves the number open."""
    return tuple(
        Bound(field, edge, value, owners(province, articles[subject]), demo=(field, edge) not in _NOT_IN_A_DEMO)
        for subject, rows in _OWNERS.items()
        for field, edge, value in rows
    )


_S, _M = timedelta(seconds=1), timedelta(minutes=1)
_NOT_IN_A_DEMO = frozenset({("attention_min", "at_least"), ("attention_max", "at_least")})
"""A demonstration of some seconds asks no officer whether they watch."""
_Row = tuple[str, Literal["at_most", "at_least"], Value]
_OWNERS: dict[str, tuple[_Row, ...]] = {
    "arrival": (
        ("check_in_lead", "at_most", 120 * _M),  # terminals are let in for no longer
        ("late_grace", "at_most", 15 * _M),  # to finish a check-in, not to come later
    ),
    "equipment": (
        ("self_test_fresh", "at_most", 45 * _M),  # from the opening of the check-in to the end of the late grace
        ("equipment.width", "at_least", 160),  # faces are recognised (pixels)
        ("equipment.rate", "at_least", 2),
        ("equipment.luma", "at_least", 18),  # 16 is black
        ("equipment.black", "at_most", 99),
        ("equipment.blur", "at_most", 40),
        ("equipment.change", "at_least", 5),
        ("equipment.backlight", "at_most", 60),
        ("equipment.level", "at_least", -90),  # less is no microphone
        ("equipment.clipped", "at_most", 50),
        ("equipment.hum", "at_most", -20),
        ("equipment.sweep", "at_least", 12),  # what noise reaches by chance
        ("equipment.delay", "at_most", 2000),
        ("equipment.answer", "at_most", 10_000),
        ("equipment.loss", "at_most", 100),
        ("equipment.jitter", "at_most", 200),
        ("equipment.round_trip", "at_most", 1000),
        ("equipment.up", "at_least", 100),
        ("equipment.down", "at_least", 100),
        ("equipment.clock", "at_most", 60_000),
        ("equipment.disk", "at_least", 50),
        ("equipment.temperature", "at_most", 95),
        ("equipment.opening", "at_most", 24 * 60 - 1),  # minutes of a day
        ("equipment.history", "at_least", 1),
        ("equipment.history", "at_most", 120),  # a line of ten years ago says nothing about today's
        ("equipment.width", "at_most", 1280),  # here and below: more would let no room pass
        ("equipment.rate", "at_most", 25),
        ("equipment.luma", "at_most", 100),
        ("equipment.change", "at_most", 1000),
        ("equipment.level", "at_most", -40),
        ("equipment.sweep", "at_most", 60),
        ("equipment.up", "at_most", 5000),
        ("equipment.down", "at_most", 5000),
        ("equipment.disk", "at_most", 100_000),
    ),
    "fault": (
        ("hold_grace", "at_most", 30 * _M),  # longer than a visit no hold can last
        ("reopen_after", "at_least", 1 * _S),  # shorter would open and shut with every hiccup
        ("reopen_after", "at_most", 30 * _S),  # longer takes minutes that are not given back
        ("slot_reserve", "at_most", 5 * _M),  # past the slot's end, into the time of the next
        ("alerts.room_lost", "at_most", 10 * _S),
    ),
    "watching": (
        ("min_supervisors", "at_most", 10),  # more than a site ever has: no visit could begin
        ("sessions_per_supervisor", "at_most", 2),
        ("attention_min", "at_least", 1 * _M),  # also: the question cannot be turned off
        ("attention_max", "at_least", 1 * _M),
        ("attention_max", "at_most", 10 * _M),
        ("attention_answer", "at_most", 30 * _S),
        ("alerts.quorum_at_risk", "at_most", 10 * _S),
        ("alerts.recorder", "at_most", 10 * _S),
        ("alerts.black", "at_most", 30 * _S),
        ("alerts.frozen", "at_most", 30 * _S),
        ("alerts.silent", "at_most", 5 * _M),
        ("alerts.clear", "at_most", 1 * _M),
    ),
    "visits": (
        ("alerts.heads", "at_most", 2 * _M),
        ("alerts.five_minutes", "at_most", 10 * _M),
        ("alerts.one_minute", "at_most", 2 * _M),
        ("extension.times", "at_most", 3),
    ),
    "recording": (("retention_months", "at_most", 1200),),  # calendars end
    "language": (
        ("check_in.max_interpreters", "at_most", 2),
        ("sign_frames", "at_least", 25),  # fewer blur the hands
        ("sign_frames", "at_most", 30),  # more than cameras of terminals give
        ("sign_kbits", "at_least", 200),  # 25 pictures of 640×480 of a sitting person who signs
        ("sign_kbits", "at_most", 1000),  # more than a weak line ever carries: sound would never come
    ),
}
"""What the owner decided where the articles leave a number open, by the subject of the article."""
