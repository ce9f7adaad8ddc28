"""The members of a request, checked one by one: a request that cannot be understood is refused as such, and never looks
like a fault of the process that was asked."""

from math import isfinite
from typing import Any

from broker.kernel.errors import BadRequest
from broker.kernel.ids import Side


def text(given: dict[str, Any], name: str) -> str:
    """A string that is not empty. Raises BadRequest."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} must be a text")
    return value


def flag(given: dict[str, Any], name: str) -> bool:
    """True or false. Raises BadRequest."""
    value = given.get(name)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false")
    return value


def number(given: dict[str, Any], name: str) -> float:
    """A finite number. Raises BadRequest."""
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise BadRequest(f"{name} must be a number")
    return float(value)


def side(given: dict[str, Any]) -> Side:
    """The member `side`. Raises BadRequest."""
    try:
        return Side(text(given, "side"))
    except ValueError as error:
        raise BadRequest("side must be prison or visitor") from error


def sides(given: dict[str, Any], name: str) -> frozenset[Side]:
    """A list of sides; none where the member is absent. Raises BadRequest."""
    value = given.get(name, [])
    if not isinstance(value, list) or not all(one in list(Side) for one in value):
        raise BadRequest(f"{name} must be a list of sides")
    return frozenset(Side(one) for one in value)
