"""Rules for check-in: what staff of each site confirm before two rooms may see each other, which languages need an
interpreter, and what coming late costs. Data of a policy pack, checked against the articles of the province."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

CHECK_IN_RULES = (
    "visitor_checks",
    "prisoner_checks",
    "commitment_letter",
    "acknowledgement",
    "late_consequence",
    "dialect_with_reason",
    "max_interpreters",
)


class Tick(StrEnum):
    """One check that an officer confirms of one person at the check-in desk."""

    IDENTITY = "identity"
    SECURITY = "security"
    PHONE = "phone"
    RULES = "rules"
    LETTER = "letter"


class Manner(StrEnum):
    """How a room has acknowledged the rules: at its screen, with a key, or a terminal that has no room (drills, tests).

    The recording says which one."""

    TOUCH = "touch"
    KEY = "key"
    UNATTENDED = "unattended"


class Consequence(StrEnum):
    """Loss of a side that came late or not at all: this visit, or the month's."""

    VISIT = "visit"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class CheckInLaw:
    """Demands of the articles on check-in. Both maps: a check that must be made -> the article that demands it.

    `acknowledged`: the article that has the rules told to both rooms, which each of them then acknowledges.
    `letter`: the article that has a first visit sign a commitment letter; `dialect`: the one that lets a visitor speak
    the local dialect; empty where there is none. `late`: the consequence, which no pack changes in either direction.
    """

    visitor_checks: Mapping[Tick, str]
    prisoner_checks: Mapping[Tick, str]
    late: Consequence
    late_article: str
    acknowledged: str
    letter: str = ""
    dialect: str = ""
    no_dialect: str = ""

    def articles_of(self, ticks: Iterable[Tick]) -> list[str]:
        """The articles that demand these checks of a visitor, each once."""
        return list(dict.fromkeys(self.visitor_checks[tick] for tick in ticks if tick in self.visitor_checks))


@dataclass(frozen=True, slots=True)
class CheckInRules:
    """Part of a policy about check-in. `articles`: field -> citation. Raises ValueError for what makes no sense.

    The checks are in the order in which the check-in desk shows them. `acknowledgement`: the people in each room
    acknowledge the rules themselves. `dialect_with_reason`: a visitor who hardly speaks Mandarin may use the local
    dialect without an interpreter; the slot then says why."""

    visitor_checks: tuple[Tick, ...]
    prisoner_checks: tuple[Tick, ...]
    commitment_letter: bool
    acknowledgement: bool
    late_consequence: Consequence
    dialect_with_reason: bool
    max_interpreters: int
    articles: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        for name in ("visitor_checks", "prisoner_checks"):
            checks = getattr(self, name)
            if not checks or len(set(checks)) != len(checks) or Tick.LETTER in checks:
                raise ValueError(f"{name} = {', '.join(checks)} makes no sense")
        if self.max_interpreters < 1:
            raise ValueError(f"max_interpreters = {self.max_interpreters} makes no sense")
        missing = [name for name in CHECK_IN_RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")

    def against(self, law: CheckInLaw) -> Iterator[tuple[str, str]]:
        """Return each contradiction to the law as (what, article)."""
        for name in ("visitor_checks", "prisoner_checks"):
            demanded: Mapping[Tick, str] = getattr(law, name)
            for tick in demanded.keys() - set(getattr(self, name)):
                yield f"{name} leaves out {tick}", demanded[tick]
        if law.letter and not self.commitment_letter:
            yield "no commitment letter on a first visit", law.letter
        if not self.acknowledgement:
            yield "no acknowledgement of the rules in each room", law.acknowledged
        if self.late_consequence is not law.late:
            yield f"late_consequence = {self.late_consequence}, the law says {law.late}", law.late_article
        if self.dialect_with_reason and not law.dialect:
            yield "a dialect without an interpreter", law.no_dialect
