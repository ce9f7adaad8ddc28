"""Checked reading of the command `start`, whose members come from another process. Pure."""

from datetime import datetime
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.errors import BadRequest
from recorder.archive.disk_space import MINUTES


def minutes(plan: dict[str, Any]) -> float:
    """Return how many minutes the visit may last; MINUTES where the plan does not say."""
    value = (plan.get("slot") or {}).get("minutes", MINUTES)
    return float(value) if isinstance(value, int | float) else MINUTES


def policy(plan: dict[str, Any]) -> str:
    """Return name and version of the policy, for the catalog."""
    policy = plan.get("policy") or {}
    return f"{policy.get('name', '')} {policy.get('version', '')}".strip()


def text(plan: dict[str, Any], key: str) -> str:
    """Return a required text member. Raises BadRequest where it is missing or empty."""
    value = plan.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{key} is missing")
    return value


def moment(with_: dict[str, Any]) -> Instant | None:
    """Return the moment in `at` (ISO 8601) and `mono` (seconds), None where they are missing. Raises BadRequest."""
    at, mono = with_.get("at"), with_.get("mono")
    if not isinstance(at, str) or not isinstance(mono, int | float):
        return None
    try:
        return Instant(datetime.fromisoformat(at), float(mono))
    except ValueError as error:
        raise BadRequest("at is not a moment") from error


def of_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a plan made from a row of the catalog, where the plan itself is lost. It has the film's place and dates,
    without which the film could not be archived."""
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
