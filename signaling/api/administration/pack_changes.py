"""What differs between two packs in their one spelling: each rule by its place in the file, with both values. Pure."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class RuleChange(NamedTuple):
    """A rule that differs: its place as `table.rule.value`, and both values as JSON; "" where a pack has none."""

    rule: str
    was: str
    now: str


def pack_changes(was: str, now: str) -> list[RuleChange]:
    """Return what differs between two canonical packs, in the order of the places."""
    before, after = dict(_leaves("", json.loads(was))), dict(_leaves("", json.loads(now)))
    places = sorted(before.keys() | after.keys())
    return [
        RuleChange(place, before.get(place, ""), after.get(place, ""))
        for place in places
        if before.get(place) != after.get(place)
    ]


def _leaves(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the values of a pack with their places; entries of a list go by their code or id, so that one that was put
    in does not move all that follow."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{place}.{name}".lstrip("."), inner)
    elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        for number, entry in enumerate(value):
            yield from _leaves(f"{place}[{_name_of(entry, number)}]", entry)
    else:
        yield place, json.dumps(value, ensure_ascii=False)


def _name_of(entry: dict[str, Any], number: int) -> str:
    for key in ("code", "id", "codes"):
        if entry.get(key):
            return str(entry[key]) if isinstance(entry[key], str) else "/".join(map(str, entry[key]))
    return str(number + 1)
