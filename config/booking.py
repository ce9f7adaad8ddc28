"""Rules for booking: which kinds of sites may be a side of a visit, how many inmates a side has, and which relations
make a visitor. Data of a policy pack, checked against the articles of the province."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from config.words import bare

BOOKING_RULES = ("inmate_sites", "visitor_sites", "inmates", "relations")


@dataclass(frozen=True, slots=True)
class BookingLaw:
    """Demands of the articles on booking.

    `inmate_sites` and `visitor_sites`: the kinds of sites that the regulation knows on each side. `inmates`: the most
    inmates on one side. `official`: the article on persons who come by office and not as kin; `private_counsel`: why a
    defence lawyer is no visitor. `interpreter`, `pairing`, `province`, `identity` and `relation` are the articles that
    a refusal of that kind names.
    """

    inmate_sites: frozenset[str]
    visitor_sites: frozenset[str]
    inmates: int
    sites_article: str
    inmates_article: str
    official: str
    private_counsel: str
    interpreter: str
    pairing: str
    province: str
    identity: str
    relation: str


@dataclass(frozen=True, slots=True)
class BookingRules:
    """Part of a policy about booking. `articles`: field -> citation. Raises ValueError for what makes no sense.

    `relations`: each row has the words for one relation of a visitor to the inmate; other relations are decided by an
    officer, who then stands in the slot with a reason (Yunnan 35 to 37, Guangdong 37)."""

    inmate_sites: frozenset[str]
    visitor_sites: frozenset[str]
    inmates: int
    relations: tuple[tuple[str, ...], ...]
    articles: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        if not self.inmate_sites or not self.visitor_sites or self.inmates < 1:
            raise ValueError("booking without sites or inmates makes no sense")
        words = [bare(word) for row in self.relations for word in row]
        if not words or not all(words):
            raise ValueError("booking.relations has no words, or an empty one")
        missing = [name for name in BOOKING_RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")

    def knows(self, relation: str) -> bool:
        """Whether a relation, without blanks, punctuation and honorifics, is one of the list."""
        words = {bare(word) for row in self.relations for word in row}
        return any(form in words for form in _forms(bare(relation)))

    def against(self, law: BookingLaw) -> Iterator[tuple[str, str]]:
        """Return each contradiction to the law as (what, article)."""
        if not self.inmate_sites <= law.inmate_sites or not self.visitor_sites <= law.visitor_sites:
            yield "booking knows sites that the regulation does not", law.sites_article
        if self.inmates > law.inmates:
            yield f"booking.inmates = {self.inmates} is looser than the law: at most {law.inmates}", law.inmates_article


_OWNERS = ("其", "罪犯的", "罪犯之", "罪犯", "服刑人员的", "服刑人员之", "服刑人员", "戒毒人员的", "戒毒人员")
"""Words before a relation that say whose it is."""


def _forms(relation: str) -> Iterator[str]:
    yield relation
    for owner in _OWNERS:
        if relation.startswith(owner) and len(relation) > len(owner):
            yield relation.removeprefix(owner)


def read_booking(name: str, tables: Mapping[str, Any], articles: Mapping[str, str]) -> BookingRules:
    """Return the rules of the tables [booking.*] of the pack `name`. Raises ValueError for another shape."""
    unknown = sorted(set(tables) ^ set(BOOKING_RULES))
    if unknown:
        raise ValueError(f"{name}: unknown or missing booking.{', booking.'.join(unknown)}")
    values = {rule: tables[rule]["value"] for rule in BOOKING_RULES}
    lists = [values["inmate_sites"], values["visitor_sites"], *values["relations"]]
    if type(values["inmates"]) is not int or not all(map(_is_words, lists)):
        raise ValueError(f"{name}: booking.* are lists of words, and booking.inmates is a number")
    return BookingRules(
        frozenset(values["inmate_sites"]),
        frozenset(values["visitor_sites"]),
        values["inmates"],
        tuple(tuple(row) for row in values["relations"]),
        articles,
    )


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
