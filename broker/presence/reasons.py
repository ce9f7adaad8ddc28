"""The reasons why an officer who watches is not present, and officers who ceased to be present with theirs (Yunnan 25,
26(3); Guangdong 27). Pages, journal and recordings have the same codes. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from broker.kernel.ids import SiteId, UserId


class Why(StrEnum):
    """Why an officer who watches is not present, in the order in which they would mend it."""

    ATTENTION = "attention"
    NO_PAGE = "no_page"
    PAGE_SILENT = "page_silent"
    HIDDEN = "hidden"
    NOT_RECEIVING = "not_receiving"
    NOT_SHOWN = "not_shown"
    TOO_SMALL = "too_small"
    COVERED = "covered"
    NOT_CHOSEN = "not_chosen"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, order=True)
class Left:
    """An officer who was present and is no longer."""

    user: UserId
    site: SiteId
    why: tuple[Why, ...]
