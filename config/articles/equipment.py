"""Limits for the figures of an equipment test (Yunnan 12). Data of a policy pack; which figure each one is for, and
what a figure on the wrong side of it means, is decided by `broker.session.parts.equipment`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

EQUIPMENT_RULES = (
    "width",
    "rate",
    "luma",
    "black",
    "blur",
    "change",
    "backlight",
    "level",
    "clipped",
    "hum",
    "sweep",
    "delay",
    "answer",
    "loss",
    "jitter",
    "round_trip",
    "up",
    "down",
    "clock",
    "disk",
    "temperature",
    "opening",
    "history",
)


class Cause(StrEnum):
    """Why a room's equipment is tested: because the room opens, before a visit, or because staff asked for it."""

    OPENING = "opening"
    VISIT = "visit"
    DEMAND = "demand"


@dataclass(frozen=True, slots=True)
class EquipmentRules:
    """The equipment test's part of a policy, whole numbers. `articles`: field -> citation. Raises ValueError.

    At least: `width` (pixels), `rate` (pictures a second), `luma` (mean), `change` (thousandths of a luma step),
    `level` (dBFS), `sweep` (dB above the rest), `up` and `down` (kbit/s), `disk` (megabytes). At most: `black` (per
    cent of pixels), `blur` (tenths of a pixel of 640 columns), `backlight` (tenths: surround to person), `clipped`
    (thousandths of samples), `hum` (dBFS), `delay`, `answer`, `jitter`, `round_trip`, `clock` (ms), `loss`
    (thousandths of packets), `temperature` (degrees Celsius). Besides them: `opening`, the minute of the day (in
    Shanghai) at which each room is tested before its first visit; `history`, the months for which results are kept."""

    width: int
    rate: int
    luma: int
    black: int
    blur: int
    change: int
    backlight: int
    level: int
    clipped: int
    hum: int
    sweep: int
    delay: int
    answer: int
    loss: int
    jitter: int
    round_trip: int
    up: int
    down: int
    clock: int
    disk: int
    temperature: int
    opening: int
    history: int
    articles: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", MappingProxyType(dict(self.articles)))
        for name in EQUIPMENT_RULES:
            value = getattr(self, name)
            if value <= 0 and name not in ("level", "hum"):
                raise ValueError(f"equipment.{name} = {value} makes no sense")
        missing = [name for name in EQUIPMENT_RULES if not self.articles.get(name)]
        if missing:
            raise ValueError(f"no article given for {', '.join(missing)}")
