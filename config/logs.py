"""Logs of every process: one line per event, with ids only. Names and ID numbers are masked even where code forgets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_ID_NUMBER = re.compile(r"(?<!\d)\d{6}(?:19|20)\d{2}\d{2}\d{2}\d{3}[\dXx](?!\d)")
_PERSONAL = frozenset({"name", "names", "person_name", "phone", "address_of_person", "id_number"})


def configure(level: str) -> None:
    """Set up structlog and logging to write to standard error at `level`; libraries log from warnings on, in the same
    form."""
    number = getattr(logging, level.upper())
    common: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    renderer = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *common, renderer],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("kiosk_agent").setLevel(number)  # ours, though it speaks through logging
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        processors=[structlog.contextvars.merge_contextvars, *common, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of an event that must never be in a log."""
    for key, value in event.items():
        if key in _PERSONAL:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _ID_NUMBER.sub("***", value)
    return event
