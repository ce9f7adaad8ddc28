"""Languages of a visit, and whether it needs an interpreter (Yunnan 23, Guangdong 28, F16). Pure.

A slot's language is a tag after BCP 47: `zh` or `cmn` for Mandarin, `zh-yue` for a dialect, `bo`, `ii`, `en` or `csl`
(Chinese sign language) for what the officers themselves cannot be expected to follow.
"""

from enum import StrEnum

from broker.booking.language_codes import LANGUAGES
from broker.booking.slot import Slot
from broker.kernel.ids import Side
from config.check_in import CheckInRules
from config.words import bare

_SINITIC = frozenset(["yue", "hak", "nan", "wuu", "gan", "hsn", "cdo", "cjy", "cpx", "cnp", "csp", "czh", "czo", "mnp"])
"""Chinese dialects that have a code of their own (ISO 639-3)."""

_SCRIPT, _REGION, _VARIANT = 4, 2, range(5, 9)  # letters of each kind of subtag (BCP 47)


def is_known(language: str) -> bool:
    """Whether a language tag names a language: a known code, and then what BCP 47 lets follow it. Variants of five to
    eight letters (`zh-chaoshan`) and private subtags (`zh-x-lei`) name dialects that have no code."""
    first, *rest = language.lower().split("-")
    if first not in LANGUAGES | _SINITIC:
        return False
    if "x" in rest:
        rest, private = rest[: rest.index("x")], rest[rest.index("x") + 1 :]
        if not private:
            return False
    return all(_is_subtag(part, extends=first in ("zh", "sgn")) for part in rest)


def _is_subtag(part: str, extends: bool) -> bool:
    if len(part) == 3 and part.isalpha():
        return extends and (part in _SINITIC or part in LANGUAGES)
    if len(part) in (_REGION, _SCRIPT):
        return part.isalpha() or (len(part) == _SCRIPT and part[0].isdecimal())
    return len(part) in _VARIANT or (len(part) == 3 and part.isdecimal())


SIGNED = frozenset(["csl", "sgn", "ase", "bfi", "hks", "ils", "ins", "jsl", "rsl", "tss", "vsl"])
"""Sign languages (ISO 639), Chinese sign language first; `sgn` is any of them."""


def is_signed(language: str) -> bool:
    """Whether a language is signed: then the picture carries the conversation, and silence says nothing."""
    return language.lower().split("-")[0] in SIGNED


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
    return next((reason for reason in reasons if bare(reason)), "")


def interpreters(slot: Slot) -> int:
    """The number of interpreters that are listed, on whichever side."""
    return sum(not person.meets for person in slot.people)


def needs_interpreter(slot: Slot, rules: CheckInRules) -> bool:
    """Whether the visit may only be held with an interpreter in one of the rooms."""
    spoken = spoken_as(slot.language)
    if spoken is Spoken.DIALECT:
        return not (rules.dialect_with_reason and dialect_reason(slot))
    return spoken is Spoken.OTHER
