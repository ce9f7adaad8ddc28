"""Rules for suspensions (暂停会见): whose visits, for how long, and the steps of the decision. Data of a policy pack,
checked against the articles of the province: only the roles that a step names decide."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

SUSPENSION_RULES = ("subject", "least", "most", "steps")
Subject = Literal["prison", "visitor"]


class Verdict(StrEnum):
    """Kind of a step: a decision, which may also be a refusal, or its filing (备案) with a higher office."""

    APPROVE = "approve"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Step:
    """Step of the decision, taken by a `role` of a site of one of these `kinds` only."""

    name: str
    verdict: Verdict
    role: str
    kinds: tuple[str, ...]
    article: str


@dataclass(frozen=True, slots=True)
class SuspensionLaw:
    """Demands of the articles on suspensions. `subject`: whose visits they suspend, by side; `steps`: verdict and kinds
    of sites, in order; `role`: of the officers who take them. `least` and `most` are months."""

    subject: Subject
    least: int
    most: int
    role: str
    steps: tuple[tuple[Verdict, frozenset[str]], ...]
    article: str


@dataclass(frozen=True, slots=True)
class SuspensionRules:
    """Part of a policy about suspensions. `articles`: field -> citation. Raises ValueError for what makes no
    sense."""

    subject: Subject
    least: int
    most: int
    steps: tuple[Step, ...]
    articles: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        if self.subject not in ("prison", "visitor") or not 1 <= self.least <= self.most:
            span = f"suspension.least = {self.least}, suspension.most = {self.most}"
            raise ValueError(f"{span}, subject {self.subject} makes no sense")
        if not self.steps or self.steps[0].verdict is not Verdict.APPROVE:
            raise ValueError("a suspension is decided before anything else is done about it")
        if len({step.name for step in self.steps}) != len(self.steps):
            raise ValueError("a step of a suspension is named twice")
        if any(not (step.role and step.kinds and step.article) for step in self.steps):
            raise ValueError("a step of a suspension names neither role, nor kinds of sites, nor article")

    def against(self, law: SuspensionLaw) -> Iterator[tuple[str, str]]:
        """Return each contradiction to the law as (what, article)."""
        if self.subject != law.subject:
            yield f"suspension.subject = {self.subject}, the law says {law.subject}", law.article
        if self.least < law.least or self.most > law.most:
            span = f"suspension.least = {self.least}, suspension.most = {self.most}"
            yield f"{span}: the law says {law.least} to {law.most} months", law.article
        for step in self.steps:
            if step.role != law.role:
                yield f"step {step.name} is the {law.role}'s, not the {step.role}'s", law.article
        own = iter(self.steps)
        for verdict, kinds in law.steps:
            if not any(step.verdict is verdict and set(step.kinds) <= kinds for step in own):
                yield f"no step to {verdict} at {', '.join(sorted(kinds))}", law.article
