"""Languages of a visit, and whether it needs an interpreter (Yunnan 23, Guangdong 28, F16). Pure.

A slot's language is a tag after BCP 47: `zh` or `cmn` for Mandarin, `zh-yue` for a dialect, `bo`, `ii`, `en` or `csl`
(Chinese sign language) for what the officers themselves cannot be expected to follow.
"""

from enum import StrEnum

from broker.booking.slot import Slot
from broker.kernel.ids import Side
from config.check_in import CheckInRules

_SINITIC = frozenset(["yue", "hak", "nan", "wuu", "gan", "hsn", "cdo", "cjy", "cpx", "cnp", "csp", "czh", "czo", "mnp"])
"""Chinese dialects that have a code of their own (ISO 639-3)."""


class Spoken(StrEnum):
    """Kinds of speech that the rules distinguish."""

    MANDARIN = "mandarin"
    DIALECT = "dialect"
    OTHER = "other"


def spoken_as(language: str) -> Spoken:
    """What a language tag means. Only a script (`zh-Hans`) or the mainland (`zh-CN`) beside `zh` is still Mandarin:
    any other subtag means another way of speaking."""
    first, *rest = language.lower().split("-")
    if first in _SINITIC:
        return Spoken.DIALECT
    if first not in ("zh", "cmn"):
        return Spoken.OTHER
    standard = all(part in ("cmn", "hans", "hant", "cn") for part in rest)
    return Spoken.MANDARIN if standard else Spoken.DIALECT


def dialect_reason(slot: Slot) -> str:
    """The reason for which a dialect is spoken, as the approval gives it of a visitor; empty where it gives none."""
    reasons = (person.dialect_reason.strip() for person in slot.parties_of(Side.VISITOR))
    return next((reason for reason in reasons if reason), "")


def needs_interpreter(slot: Slot, rules: CheckInRules) -> bool:
    """Whether the visit may only be held with an interpreter in one of the rooms."""
    spoken = spoken_as(slot.language)
    if spoken is Spoken.DIALECT:
        return not (rules.dialect_with_reason and dialect_reason(slot))
    return spoken is Spoken.OTHER
