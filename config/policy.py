"""Policy of a site: the rules of its province, each value with its article.

A policy may be stricter than the law and never looser. It checks itself when it is made, so every policy that exists is
lawful. Times are durations; comparisons everywhere include the bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from config.alerts import AlertRules
from config.check_in import CheckInRules
from config.extension import ExtensionRules
from config.law import LAWS, OWNER_DECISION, EndReason, Law, Measures
from config.suspension import SuspensionRules

RULES = (
    "min_supervisors",
    "hard_limit",
    "check_in_lead",
    "late_grace",
    "hold_grace",
    "slot_reserve",
    "max_visitors",
    "sessions_per_supervisor",
    "retention_months",
    "self_test_fresh",
    "attention_min",
    "attention_max",
    "attention_answer",
)
_POSITIVE = frozenset(
    {"min_supervisors", "hard_limit", "max_visitors", "sessions_per_supervisor", "retention_months"}
    | {"self_test_fresh"}
)


class LooserThanLaw(ValueError):
    """Error of a value or code that is looser than an article allows; `articles` names which."""

    def __init__(self, message: str, *articles: str) -> None:
        super().__init__(f"{message} ({'; '.join(articles)})")
        self.articles = articles


@dataclass(frozen=True, slots=True)
class Intervention:
    """Ground on which a supervisor may intervene, as the article numbers it.

    `may_warn`: dissuading (劝阻) can close the matter. `must_end`: the visit has to be stopped
    (中止 or 取消, and not resumed on a warning). `may_suspend`: a suspension of one to three months
    can be proposed. `may_hold`: holding the visit (中止) is a lawful answer. `reason`: how an end under it counts.
    `late`: it says that visitors did not arrive in time.
    """

    code: str
    title_zh: str
    title_en: str
    may_warn: bool
    must_end: bool
    may_suspend: bool
    article: str = OWNER_DECISION
    may_hold: bool = True
    reason: EndReason = EndReason.SUPERVISOR
    late: bool = False

    @property
    def may_end(self) -> bool:
        """Whether a visit may be ended under it; a code that only reminds or explains ends nothing."""
        return self.may_hold or self.must_end


WARNING_LENGTH = 200
"""Most characters of a warning in one language: as many as are read at a glance from a seat in the room."""


@dataclass(frozen=True, slots=True)
class CannedWarning:
    """Canned warning: the words for a room, and the ground (`code`) under which they are given."""

    id: str
    code: str
    zh: str
    en: str
    article: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules of one province, or stricter ones of a site. `articles`: field -> citation.

    `check_in_lead` before the slot's start check-in opens; `late_grace` after the start it closes;
    `hold_grace` is the longest hold; `slot_reserve` what a visit may run past the slot's end;
    `self_test_fresh` how old an equipment test may be at the opening. Between `attention_min` and
    `attention_max` after the last answer a supervisor is asked whether they still watch, and has
    `attention_answer` to say so; an `attention_max` of zero turns the question off. Raises LooserThanLaw, or
    ValueError for what no law could mean (no visitors, a negative grace).
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
    slot_reserve: timedelta
    max_visitors: int
    sessions_per_supervisor: int
    retention_months: int
    self_test_fresh: timedelta
    attention_min: timedelta
    attention_max: timedelta
    attention_answer: timedelta
    interventions: tuple[Intervention, ...]
    check_in: CheckInRules
    alerts: AlertRules
    extension: ExtensionRules
    suspension: SuspensionRules
    articles: Mapping[str, str] = field(hash=False)
    demo: bool = False
    warnings: tuple[CannedWarning, ...] = ()

    def __post_init__(self) -> None:
        law = LAWS.get(self.law)
        if law is None:
            raise ValueError(f"law {self.law!r} is not one of {', '.join(LAWS)}")
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        self._check_meaning()
        self._check_attention()
        self._check_bounds(law)
        self._check_interventions(law)
        self._check_warnings()
        for message, article in (
            *self.check_in.against(law.check_in),
            *self.extension.against(law.extension),
            *self.suspension.against(law.suspension),
        ):
            raise LooserThanLaw(message, article)

    def intervention(self, code: str) -> Intervention | None:
        """The ground with that code, or None where this policy does not know it."""
        return next((known for known in self.interventions if known.code == code), None)

    def canned(self, id: str) -> CannedWarning | None:
        """The canned warning with that id, or None where this policy has none such."""
        return next((known for known in self.warnings if known.id == id), None)

    def _check_meaning(self) -> None:
        for name in RULES:
            value = getattr(self, name)
            zero = timedelta(0) if isinstance(value, timedelta) else 0
            if value < zero or (value == zero and name in _POSITIVE):
                raise ValueError(f"{name} = {value} makes no sense")
        missing = [name for name in RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")

    def _check_attention(self) -> None:
        if self.attention_min > self.attention_max:
            raise ValueError(f"attention_min = {self.attention_min} is more than attention_max")
        if self.attention_max and not (self.attention_min and self.attention_answer):
            raise ValueError("an attention check needs a time before the question and one for the answer")

    def _check_bounds(self, law: Law) -> None:
        for bound in law.bounds:
            value = getattr(self, bound.field)
            if not bound.allows(value):
                edge = bound.edge.replace("_", " ")
                message = f"{bound.field} = {value} is looser than the law: {edge} {bound.value}"
                raise LooserThanLaw(message, bound.article)

    def _check_interventions(self, law: Law) -> None:
        grounds = {ground.code: ground for ground in self.interventions}
        if len(grounds) != len(self.interventions):
            raise ValueError("an intervention code is given twice")
        for measures in law.measures:
            for code, number in measures.codes().items():
                ground = grounds.pop(code, None)
                if ground is None:
                    raise LooserThanLaw(f"ground {code} is missing", measures.article)
                _check_ground(ground, measures, number)
        for ground in grounds.values():
            _check_own_code(ground)

    def _check_warnings(self) -> None:
        """Check that each canned warning stands under a ground that lets a warning close the matter."""
        if len({warning.id for warning in self.warnings}) != len(self.warnings):
            raise ValueError("a warning's id is given twice")
        for warning in self.warnings:
            ground = self.intervention(warning.code)
            if ground is None:
                raise LooserThanLaw(f"warning {warning.id} has no ground", warning.article)
            if not ground.may_warn or ground.must_end:
                raise LooserThanLaw(f"warning {warning.id}: {warning.code} demands more", ground.article)
            if not all(0 < len(text) <= WARNING_LENGTH for text in (warning.zh, warning.en)):
                raise ValueError(f"warning {warning.id} has no words, or more than a room can read")


def _check_ground(ground: Intervention, measures: Measures, number: int) -> None:
    lawful = (measures.may_warn, measures.must_end, number in measures.suspends)
    if (ground.may_warn, ground.must_end, ground.may_suspend) != lawful:
        raise LooserThanLaw(f"ground {ground.code} has other measures", measures.article)
    if (ground.reason, ground.late) != (measures.reason, number in measures.late):
        raise LooserThanLaw(f"an end under ground {ground.code} counts as something else", measures.article)


def _check_own_code(ground: Intervention) -> None:
    """Check a code that is in no article: it ends a visit by agreement (END-), reminds of the rules (WARN-) or explains
    and answers (SAY-), and never punishes."""
    ends = (ground.must_end, ground.may_warn) == (True, False) and ground.code.startswith("END-")
    talks = (ground.must_end, ground.may_warn, ground.may_hold) == (False, True, False)
    reasons = {EndReason.SUPERVISOR, EndReason.COMPLETED} if ends else {EndReason.SUPERVISOR}
    lawful = (ends or (talks and ground.code.startswith(("WARN-", "SAY-")))) and ground.reason in reasons
    if not lawful or ground.may_suspend or ground.late:
        raise LooserThanLaw(f"ground {ground.code} is in no article", ground.article)
