"""Policy of a site: the rules of its province, each value with its article.

A policy may be stricter than the law and never looser. It checks itself when it is made, so every policy that exists is
lawful. Times are durations; comparisons everywhere include the bound.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from config.alerts import AlertRules
from config.articles import grounds, notices
from config.articles.bounds import OWNER_DECISION, Bound
from config.articles.equipment import EquipmentRules
from config.articles.grounds import Intervention
from config.articles.notices import CannedWarning
from config.articles.rules_text import RulesText
from config.booking import BookingRules
from config.check_in import CheckInRules
from config.extension import ExtensionRules
from config.law import LAWS, Law
from config.suspension import SuspensionRules

RULES = (
    "min_supervisors",
    "hard_limit",
    "check_in_lead",
    "late_grace",
    "hold_grace",
    "reopen_after",
    "slot_reserve",
    "max_visitors",
    "sessions_per_supervisor",
    "retention_months",
    "self_test_fresh",
    "attention_min",
    "attention_max",
    "attention_answer",
    "sign_frames",
    "sign_kbits",
)
_POSITIVE = frozenset(
    {"min_supervisors", "hard_limit", "max_visitors", "sessions_per_supervisor", "retention_months"}
    | {"self_test_fresh", "reopen_after", "sign_frames", "sign_kbits"}
)


class LooserThanLaw(ValueError):
    """Error of a value or code that is looser than an article allows; `articles` names which."""

    for_operators = True

    def __init__(self, message: str, *articles: str) -> None:
        super().__init__(f"{message} ({'; '.join(articles)})")
        self.articles = articles


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules of one province, or stricter ones of a site. `articles`: field -> citation.

    `check_in_lead` before the slot's start check-in opens; `late_grace` after the start it closes;
    `hold_grace` is the longest hold; after `reopen_after` without the cause of one the gate opens again;
    `slot_reserve` what a visit may run past the slot's end;
    `self_test_fresh` how old an equipment test may be at the opening. Between `attention_min` and
    `attention_max` after the last answer a supervisor is asked whether they still watch, and has
    `attention_answer` to say so; in a demonstration an `attention_max` of zero turns the question off. A visit in sign
    language has pictures of `sign_frames` a second at least, which need `sign_kbits` (1000 bit/s): sound, repairs and
    resolution give way before them. `canonical`: the pack that it was read from, spelled in the one way whose hash
    names it (`sha256`). Raises LooserThanLaw, or ValueError for what no law could mean (no visitors, a negative grace).
    """

    name: str
    version: str
    law: str
    title_zh: str
    title_en: str
    min_supervisors: int
    hard_limit: timedelta
    check_in_lead: timedelta
    late_grace: timedelta
    hold_grace: timedelta
    reopen_after: timedelta
    slot_reserve: timedelta
    max_visitors: int
    sessions_per_supervisor: int
    retention_months: int
    self_test_fresh: timedelta
    attention_min: timedelta
    attention_max: timedelta
    attention_answer: timedelta
    sign_frames: int
    sign_kbits: int
    interventions: tuple[Intervention, ...]
    check_in: CheckInRules
    rules_text: RulesText
    alerts: AlertRules
    equipment: EquipmentRules
    extension: ExtensionRules
    suspension: SuspensionRules
    booking: BookingRules
    articles: Mapping[str, str] = field(hash=False)
    demo: bool = False
    warnings: tuple[CannedWarning, ...] = ()
    canonical: str = field(default="", repr=False, compare=False)
    sha256: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        law = LAWS.get(self.law)
        if law is None:
            raise ValueError(f"law {self.law!r} is not one of {', '.join(LAWS)}")
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        self._check_meaning()
        self._check_bounds(law)
        self._check_attention()
        for message, article in self._contradictions(law):
            raise LooserThanLaw(message, article)

    def intervention(self, code: str) -> Intervention | None:
        """The ground with that code, or None where this policy does not know it."""
        return next((known for known in self.interventions if known.code == code), None)

    @property
    def farewell(self) -> Intervention | None:
        """The code under which both sides part, or None where this policy has none."""
        return next((known for known in self.interventions if known.by_agreement), None)

    def canned(self, id: str) -> CannedWarning | None:
        """The canned warning with that id, or None where this policy has none such."""
        return next((known for known in self.warnings if known.id == id), None)

    def number(self, rule: str) -> Any:
        """The number of a rule, which may be one of a section (`alerts.black`)."""
        value: Any = self
        for name in rule.split("."):
            value = getattr(value, name)
        return value

    def _check_meaning(self) -> None:
        for name in RULES:
            value = getattr(self, name)
            zero = timedelta(0) if isinstance(value, timedelta) else 0
            if value < zero or (value == zero and name in _POSITIVE):
                raise ValueError(f"{name} = {value} makes no sense")
        missing = [name for name in RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")
        if len({ground.code for ground in self.interventions}) != len(self.interventions):
            raise ValueError("an intervention code is given twice")
        if not all(type(text) is str and text.strip() for text in self._texts()):
            raise ValueError("a title or version is missing, or is no text")
        if type(self.demo) is not bool:
            raise ValueError("demo is true or false")
        notices.check_words(self.warnings)

    def _texts(self) -> Iterator[str]:
        yield from (self.version, self.title_zh, self.title_en)
        for ground in self.interventions:
            yield from (ground.code, ground.title_zh, ground.title_en)

    def _check_bounds(self, law: Law) -> None:
        for bound in law.bounds:
            value = self.number(bound.field)
            if (bound.demo or not self.demo) and not bound.allows(value):
                raise LooserThanLaw(_over(bound, value), bound.article)

    def _check_attention(self) -> None:
        if self.attention_min > self.attention_max:
            raise ValueError(f"attention_min = {self.attention_min} is more than attention_max")
        if self.attention_max and not (self.attention_min and self.attention_answer):
            raise ValueError("an attention check needs a time before the question and one for the answer")

    def _contradictions(self, law: Law) -> Iterator[tuple[str, str]]:
        """Return each contradiction to the law, beyond numbers, as (what, article)."""
        own = {ground.code: ground for ground in self.interventions}
        yield from grounds.contradictions(own, law.measures)
        yield from notices.contradictions(self.warnings, own, law.notices)
        yield from self.check_in.against(law.check_in)
        yield from self.rules_text.against(law.heading, law.notices)
        yield from self.extension.against(law.extension)
        yield from self.suspension.against(law.suspension)
        yield from self.booking.against(law.booking)


def _over(bound: Bound, value: object) -> str:
    setter = "the owner decided" if bound.article.startswith(OWNER_DECISION) else "the law"
    return f"{bound.field} = {value} is looser than {setter}: {bound.edge.replace('_', ' ')} {bound.value}"
