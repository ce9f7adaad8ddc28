"""Logs of every process: one line an event, ids only. Names and ID numbers are masked even where code forgets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_ID_NUMBER = re.compile(r"(?<!\d)\d{6}(?:19|20)\d{2}\d{2}\d{2}\d{3}[\dXx](?!\d)")
_PERSONAL = frozenset({"name", "names", "person_name", "phone", "address_of_person", "id_number"})


def configure(level: str) -> None:
    """Set structlog and logging up to write to standard error at `level`."""
    number = getattr(logging, level.upper())
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def mask(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what must never stand in a log."""
    for key, value in event.items():
        if key in _PERSONAL:
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = _ID_NUMBER.sub("***", value)
    return event
