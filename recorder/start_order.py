"""What `start` is given, read with care: it comes from another process. Pure."""

from datetime import datetime
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.errors import BadRequest
from recorder.archive.disk_space import MINUTES


def minutes(plan: dict[str, Any]) -> float:
    """How long the visit may be."""
    said = (plan.get("slot") or {}).get("minutes", MINUTES)
    return float(said) if isinstance(said, int | float) else MINUTES


def policy(plan: dict[str, Any]) -> str:
    """Name and version of the policy, for the catalog."""
    said = plan.get("policy") or {}
    return f"{said.get('name', '')} {said.get('version', '')}".strip()


def text(plan: dict[str, Any], key: str) -> str:
    """A member that has to be there. Raises BadRequest."""
    value = plan.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{key} is missing")
    return value


def moment(with_: dict[str, Any]) -> Instant | None:
    """When it happened, if that was said: `at` (ISO 8601) and `mono` (seconds)."""
    at, mono = with_.get("at"), with_.get("mono")
    if not isinstance(at, str) or not isinstance(mono, int | float):
        return None
    try:
        return Instant(datetime.fromisoformat(at), float(mono))
    except ValueError as error:
        raise BadRequest("at is not a moment") from error


def of_row(row: dict[str, Any]) -> dict[str, Any]:
    """A plan made of what the catalog knows, where the plan itself is lost: the film counts, and its place and dates
    can still be told."""
    begun = row["started_at"] or row["created_at"]
    name, _, version = str(row["policy"] or "").partition(" ")
    return {
        "session": row["session"],
        "site": row["site"],
        "slot": {},
        "policy": {"name": name, "version": version},
        "sides": {},
        "starts_at": begun.isoformat(),
        "started_at": begun.isoformat(),
    }
