"""Rules for alerts (提醒): how long a cause has to last before it is one, how long it has to be gone again, and which
causes are looked for at all. Data of a policy pack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

LASTING = ("quorum_at_risk", "room_lost", "recorder", "black", "frozen", "silent", "heads")
MARKS = ("five_minutes", "one_minute")
ALERT_RULES = (*LASTING, *MARKS, "clear", "count_heads")


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The alerts' part of a policy. `articles`: field -> citation. Raises ValueError for what makes no sense.

    The first seven are how long each cause has to last before it is an alert; `five_minutes` and `one_minute` how much
    of the visit is left when its end is announced. An alert whose cause is gone for `clear` is over. `count_heads`:
    kiosks count the people before their camera (advisory; no picture leaves the kiosk for it)."""

    quorum_at_risk: timedelta
    room_lost: timedelta
    recorder: timedelta
    black: timedelta
    frozen: timedelta
    silent: timedelta
    heads: timedelta
    five_minutes: timedelta
    one_minute: timedelta
    clear: timedelta
    count_heads: bool
    articles: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        for name in LASTING:
            if getattr(self, name) < timedelta(0):
                raise ValueError(f"alerts.{name} = {getattr(self, name)} makes no sense")
        if self.clear <= timedelta(0):
            raise ValueError("alerts.clear must be more than nothing, or alerts come and go with every hiccup")
        if not timedelta(0) < self.one_minute < self.five_minutes:
            raise ValueError("alerts.one_minute must come after alerts.five_minutes, and before the end")
        missing = [name for name in ALERT_RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")

    def after(self, name: str) -> float:
        """Seconds for which the cause of that name has to last; 0 for a mark of time, which needs no confirmation."""
        lasting: timedelta = getattr(self, name) if name in LASTING else timedelta(0)
        return lasting.total_seconds()
