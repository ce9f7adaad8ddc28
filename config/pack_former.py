"""Packs of former versions: what they do not say yet is taken from the pack of their law that comes with the package.
So a pack is complete before it is hashed."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any


class PackError(ValueError):
    """The pack is unknown, unreadable or not of the right shape; the text says what and where."""

    for_operators = True


def packs() -> tuple[str, ...]:
    """The names of the packs that come with the package, in alphabetical order."""
    files = folder().iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".toml")))


def folder() -> Traversable:
    """The folder of the packs that come with the package."""
    return resources.files("config").joinpath("packs")


def completed(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with the tables of booking, and with a `reason` in each group of grounds. Packs written
    before them take both, the reason code by code, from the pack of their law that comes with the package; a code that
    this one does not have is the officers' measure, as it was then. So do packs written before a rule of LATER. Raises
    PackError."""
    full = _with_later_rules(document)
    groups = full.get("interventions", [])
    if any("reason" not in group and "late" in group for group in groups):
        raise PackError(f"{name}: interventions that say `late` give a `reason` too")
    if all("reason" in group for group in groups):
        return full
    try:
        former = _reasons(full["pack"]["law"])
        full["interventions"] = [part for group in groups for part in _with_reasons(group, former)]
    except (KeyError, TypeError) as error:
        raise PackError(f"{name}: wrong shape, look at {error}") from error
    return full


LATER = ("reopen_after", "booking", "equipment", "sign_frames", "sign_kbits", "rules_text", "check_in.acknowledgement")
"""Rules and sections that packs of former versions do not have; a dot leads into a section."""


def _with_later_rules(document: Mapping[str, Any]) -> dict[str, Any]:
    full = deepcopy(dict(document))
    law = full.get("pack", {}).get("law")
    if law in packs():
        own = tomllib.loads(folder().joinpath(f"{law}.toml").read_text("utf-8"))
        for rule in LATER:
            *section, name = rule.split(".")
            place = full.get(section[0]) if section else full
            if isinstance(place, dict) and name not in place:
                place[name] = own[section[0]][name] if section else own[name]
    return full


Reasons = Mapping[str, tuple[str, bool]]
"""Code -> how an end under it counts, and whether it says that visitors are late."""


def _reasons(law: str) -> Reasons:
    if law not in packs():
        return {}
    own = tomllib.loads(folder().joinpath(f"{law}.toml").read_text("utf-8"))["interventions"]
    return {code: (group["reason"], code in group.get("late", ())) for group in own for code, *_ in group["items"]}


def _with_reasons(group: Mapping[str, Any], former: Reasons) -> list[dict[str, Any]]:
    """The group with the reasons of its codes: in as many groups as it has reasons, its codes in their order."""
    if "reason" in group:
        return [dict(group)]
    found = {code: former.get(code, ("ended_by_supervisor", False)) for code, *_ in group["items"]}
    parts = []
    for reason in dict.fromkeys(reason for reason, _ in found.values()):
        codes = {code for code, (why, _) in found.items() if why == reason}
        part = {key: _only(value, codes) for key, value in group.items() if key != "items"}
        part |= {"reason": reason, "late": [code for code in found if code in codes and found[code][1]]}
        parts.append({**part, "items": [row for row in group["items"] if row[0] in codes]})
    return parts


def _only(value: Any, codes: set[str]) -> Any:
    """A list or table of a group without what it says of other codes."""
    if isinstance(value, list):
        return [code for code in value if code in codes]
    return {code: what for code, what in value.items() if code in codes} if isinstance(value, dict) else value
