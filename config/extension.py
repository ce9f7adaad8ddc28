"""Rules for extensions: by how much a visit may be made longer, on what ground, by whose approval and until when. Data
of a policy pack, checked against the articles of the province. A pack without times allows none (默认不得延长)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

EXTENSION_RULES = ("times", "steps", "most", "until", "role", "grounds")


class Until(StrEnum):
    """Latest moment of an approval: before the slot's start, or before the limit of the running visit."""

    START = "start"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class ExtensionGround:
    """Ground on which a visit may be made longer, as the pack names it."""

    code: str
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class ExtensionLaw:
    """Demands of the articles on longer visits. `role`: the only role that approves, at the site that holds the inmate.

    `most`: a ceiling that no pack exceeds. `until`: the latest that an approval may be made.
    """

    role: str
    most: timedelta
    until: Until
    article: str


@dataclass(frozen=True, slots=True)
class ExtensionRules:
    """Part of a policy about longer visits. `articles`: field -> citation. Raises ValueError for what makes no
    sense.

    `times`: approvals in one visit, 0 for none. `steps`: what one approval may add. `most`: what all approvals of one
    visit may add together.
    """

    times: int
    steps: tuple[timedelta, ...]
    most: timedelta
    until: Until
    role: str
    grounds: tuple[ExtensionGround, ...]
    articles: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        if self.times < 0 or self.most < timedelta(0):
            raise ValueError(f"extension.times = {self.times}, extension.most = {self.most} makes no sense")
        if self.times and not (self.steps and self.grounds):
            raise ValueError(f"extension.times = {self.times} needs extension.steps and extension.grounds")
        if any(not timedelta(0) < step <= self.most for step in self.steps):
            raise ValueError(f"extension.steps go beyond extension.most = {self.most}, or add nothing")
        if len({one.code for one in self.grounds}) != len(self.grounds):
            raise ValueError("a ground of an extension is given twice")
        missing = [name for name in EXTENSION_RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")

    @property
    def allowed(self) -> bool:
        """Whether any visit may be made longer at all."""
        return self.times > 0

    def ground(self, code: str) -> ExtensionGround | None:
        """The ground with that code, or None where these rules do not know it."""
        return next((known for known in self.grounds if known.code == code), None)

    def against(self, law: ExtensionLaw) -> Iterator[tuple[str, str]]:
        """Return each contradiction to the law as (what, article)."""
        if self.most > law.most:
            yield f"extension.most = {self.most} is more than {law.most}", law.article
        if self.role != law.role:
            yield f"extension.role = {self.role}, the law says {law.role}", law.article
        if law.until is Until.START and self.until is not Until.START:
            yield f"extension.until = {self.until}, the law says {law.until}", law.article
