"""Policy packs: TOML files in which every value cites its article, read into a Policy, and the packs that were frozen
with sessions.

A pack is known by its name (yunnan, guangdong, demo) or by the path of a file of the same shape.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from config.alerts import ALERT_RULES, AlertRules
from config.articles.bounds import OWNER_DECISION
from config.articles.equipment import EQUIPMENT_RULES, EquipmentRules
from config.articles.grounds import By, EndReason, Intervention, Issuer, Phase
from config.articles.notices import CannedWarning
from config.articles.rules_text import RulesText, read_rules_text
from config.booking import BookingRules, read_booking
from config.check_in import CHECK_IN_RULES, CheckInRules, Consequence, Tick
from config.extension import EXTENSION_RULES, ExtensionGround, ExtensionRules, Until
from config.pack_former import PackError as PackError
from config.pack_former import completed, folder
from config.pack_former import packs as packs
from config.policy import RULES, LooserThanLaw, Policy
from config.suspension import SUSPENSION_RULES, Step, SuspensionRules, Verdict

_UNITS = {"seconds", "minutes", "hours"}


def load_pack(name_or_path: str | Path) -> Policy:
    """Read a pack by name or from a .toml file. A text that was read before is not read again.

    Raises PackError for shape, config.policy.LooserThanLaw for content.
    """
    return _loaded(*_find(name_or_path))


@lru_cache(maxsize=32)
def _loaded(name: str, text: str) -> Policy:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{name}: {error}") from error
    return _policy(name, completed(name, document))


def frozen_pack(canonical: str) -> Policy:
    """Make the Policy of a pack from its one spelling (`Policy.canonical`), as it was frozen with a session.

    Raises PackError where this version cannot read it, config.policy.LooserThanLaw where today's law forbids it.
    """
    try:
        document = json.loads(canonical)
        name = document["pack"].pop("name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"a frozen pack is of the wrong shape, look at {error}") from error
    return _policy(str(name), document)


def _find(name_or_path: str | Path) -> tuple[str, str]:
    if str(name_or_path) in packs():
        name = str(name_or_path)
        return name, folder().joinpath(f"{name}.toml").read_text("utf-8")
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        raise PackError(f"no policy pack {name_or_path!s}; there are {', '.join(packs())}")
    try:
        return path.stem, path.read_text("utf-8-sig")  # editors of Windows write a mark ahead
    except UnicodeDecodeError as error:
        raise PackError(f"{path.name} is not UTF-8 text: save it as UTF-8") from error


def _policy(name: str, document: Mapping[str, Any]) -> Policy:
    sections = dict(document)
    head = sections.pop("pack", {})
    groups, warnings = sections.pop("interventions", []), sections.pop("warnings", [])
    check_in, alerts = sections.pop("check_in", {}), sections.pop("alerts", {})
    equipment = sections.pop("equipment", {})
    extension, suspension = sections.pop("extension", {}), sections.pop("suspension", {})
    booking, rules_text = sections.pop("booking", {}), sections.pop("rules_text", {})
    unknown = sorted(set(sections) - set(RULES)) + sorted(set(RULES) - set(sections))
    if unknown:
        raise PackError(f"{name}: unknown or missing {', '.join(unknown)}")
    canonical = _spelled(name, document)
    try:
        return Policy(
            name=name,
            version=head["version"],
            law=head["law"],
            title_zh=head["title_zh"],
            title_en=head["title_en"],
            demo=head.get("demo", False),
            interventions=tuple(ground for group in groups for ground in _group(name, group)),
            warnings=tuple(text for group in warnings for text in _canned(name, group)),
            check_in=_check_in(name, check_in),
            rules_text=_rules_text(name, rules_text),
            alerts=_alerts(name, alerts),
            equipment=_equipment(name, equipment),
            extension=_extension(name, extension),
            suspension=_suspension(name, suspension),
            booking=_booking(name, booking),
            articles={rule: _citation(name, rule, sections[rule]) for rule in RULES},
            canonical=canonical,
            sha256=hashlib.sha256(canonical.encode()).hexdigest(),
            **{rule: _value(name, rule, sections[rule]) for rule in RULES},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise PackError(f"{name}: wrong shape, look at {error}") from error
    except (PackError, LooserThanLaw):
        raise
    except ValueError as error:
        raise PackError(f"{name}: {error}") from error


def _spelled(name: str, document: Mapping[str, Any]) -> str:
    """Spell a pack in the one way that is hashed: JSON with sorted names and without blanks, the pack's name in its
    head. Comments and the order of the tables do not matter. Raises PackError for what JSON has no word for."""
    head = {**document.get("pack", {}), "name": name}
    try:
        return json.dumps(
            {**document, "pack": head}, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise PackError(f"{name}: {error}") from error


def _value(name: str, rule: str, entry: Mapping[str, Any]) -> Any:
    value, unit = entry.get("value"), entry.get("unit")
    if type(value) is not int or (unit is not None and unit not in _UNITS):
        raise PackError(f"{name}: {rule} needs a whole `value` and at most a unit of time")
    try:
        return value if unit is None else timedelta(**{unit: value})
    except OverflowError as error:
        raise PackError(f"{name}: {rule} = {value} {unit} is more than any clock counts") from error


def _citation(name: str, rule: str, entry: Mapping[str, Any]) -> str:
    """Return the citation of a value: its article, or the owner's decision with the article that leaves it open, if
    any."""
    article, source = entry.get("article", ""), entry.get("source", "")
    if source == "owner decision":
        return f"{OWNER_DECISION}（{article}未定）" if article else OWNER_DECISION
    if not article:
        raise PackError(f"{name}: {rule} cites no article and no owner decision")
    return str(article)


def _check_in(name: str, tables: Mapping[str, Any]) -> CheckInRules:
    """Read the tables [check_in.*]: lists, words and booleans, where the other rules are numbers."""
    unknown = sorted(set(tables) ^ set(CHECK_IN_RULES))
    if unknown:
        raise PackError(f"{name}: unknown or missing check_in.{', check_in.'.join(unknown)}")
    values = {rule: _check_in_value(name, rule, tables[rule]["value"]) for rule in CHECK_IN_RULES}
    return CheckInRules(
        **values, articles={rule: _citation(name, f"check_in.{rule}", tables[rule]) for rule in CHECK_IN_RULES}
    )


def _check_in_value(name: str, rule: str, value: Any) -> Any:
    try:
        match rule:
            case "visitor_checks" | "prisoner_checks" if isinstance(value, list):
                return tuple(Tick(one) for one in value)
            case "late_consequence":
                return Consequence(value)
            case "commitment_letter" | "acknowledgement" | "dialect_with_reason" if isinstance(value, bool):
                return value
            case "max_interpreters" if type(value) is int:
                return value
    except ValueError as error:
        raise PackError(f"{name}: check_in.{rule}: {error}") from error
    raise PackError(f"{name}: check_in.{rule} has the wrong kind of `value`")


def _alerts(name: str, tables: Mapping[str, Any]) -> AlertRules:
    """Read the tables [alerts.*]: times, and one boolean."""
    unknown = sorted(set(tables) ^ set(ALERT_RULES))
    if unknown:
        raise PackError(f"{name}: unknown or missing alerts.{', alerts.'.join(unknown)}")
    return AlertRules(
        **{rule: _alert_value(name, rule, tables[rule]) for rule in ALERT_RULES},
        articles={rule: _citation(name, f"alerts.{rule}", tables[rule]) for rule in ALERT_RULES},
    )


def _alert_value(name: str, rule: str, entry: Mapping[str, Any]) -> Any:
    value = entry.get("value")
    if rule == "count_heads":
        if not isinstance(value, bool):
            raise PackError(f"{name}: alerts.{rule} is true or false")
        return value
    if "unit" not in entry:
        raise PackError(f"{name}: alerts.{rule} needs a unit of time")
    return _value(name, f"alerts.{rule}", entry)


def _equipment(name: str, tables: Mapping[str, Any]) -> EquipmentRules:
    """Read the tables [equipment.*]: whole numbers, whose units are those of the rules."""
    unknown = sorted(set(tables) ^ set(EQUIPMENT_RULES))
    if unknown:
        raise PackError(f"{name}: unknown or missing equipment.{', equipment.'.join(unknown)}")
    if any("unit" in table for table in tables.values()):
        raise PackError(f"{name}: the rules of equipment have units of their own: leave `unit` out")
    return EquipmentRules(
        **{rule: _value(name, f"equipment.{rule}", tables[rule]) for rule in EQUIPMENT_RULES},
        articles={rule: _citation(name, f"equipment.{rule}", tables[rule]) for rule in EQUIPMENT_RULES},
    )


def _extension(name: str, tables: Mapping[str, Any]) -> ExtensionRules:
    """Read the tables [extension.*] of a pack."""
    unknown = sorted(set(tables) ^ set(EXTENSION_RULES))
    if unknown:
        raise PackError(f"{name}: unknown or missing extension.{', extension.'.join(unknown)}")
    values = {rule: _extension_value(name, rule, tables[rule]) for rule in EXTENSION_RULES}
    return ExtensionRules(
        **values, articles={rule: _citation(name, f"extension.{rule}", tables[rule]) for rule in EXTENSION_RULES}
    )


def _extension_value(name: str, rule: str, entry: Mapping[str, Any]) -> Any:
    value = entry["value"]
    try:
        match rule:
            case "times" | "most":
                return _value(name, f"extension.{rule}", entry)
            case "steps" if isinstance(value, list):
                return tuple(_value(name, "extension.steps", {**entry, "value": one}) for one in value)
            case "until":
                return Until(value)
            case "role" if isinstance(value, str):
                return value
            case "grounds" if isinstance(value, list):
                return tuple(ExtensionGround(*row) for row in value)
    except ValueError as error:
        raise PackError(f"{name}: extension.{rule}: {error}") from error
    raise PackError(f"{name}: extension.{rule} has the wrong kind of `value`")


def _suspension(name: str, tables: Mapping[str, Any]) -> SuspensionRules:
    """Read the tables [suspension.*] of a pack."""
    unknown = sorted(set(tables) ^ set(SUSPENSION_RULES))
    if unknown:
        raise PackError(f"{name}: unknown or missing suspension.{', suspension.'.join(unknown)}")
    steps = tables["steps"]["value"]
    if not isinstance(steps, list) or any(not isinstance(row, list) or len(row) != 5 for row in steps):
        raise PackError(f"{name}: a step of a suspension is a name, a verdict, a role, kinds of sites and an article")
    try:
        made = tuple(
            Step(step, Verdict(verdict), role, tuple(kinds), text) for step, verdict, role, kinds, text in steps
        )
    except ValueError as error:
        raise PackError(f"{name}: suspension.steps: {error}") from error
    return SuspensionRules(
        subject=tables["subject"]["value"],
        least=_value(name, "suspension.least", tables["least"]),
        most=_value(name, "suspension.most", tables["most"]),
        steps=made,
        articles={rule: _citation(name, f"suspension.{rule}", tables[rule]) for rule in SUSPENSION_RULES},
    )


def _booking(name: str, tables: Mapping[str, Any]) -> BookingRules:
    """Read the tables [booking.*] of a pack."""
    citations = {rule: _citation(name, f"booking.{rule}", table) for rule, table in tables.items()}
    try:
        return read_booking(name, tables, citations)
    except ValueError as error:
        raise PackError(str(error)) from error


def _rules_text(name: str, table: Mapping[str, Any]) -> RulesText:
    """Read the table [rules_text] of a pack."""
    try:
        return read_rules_text(table)
    except ValueError as error:
        raise PackError(f"{name}: {error}") from error


def _group(name: str, group: Mapping[str, Any]) -> list[Intervention]:
    """The grounds of one group. What a list or table of the group names is so for its codes, the rest for all."""
    codes = [code for code, *_ in group["items"]]
    for key in ("may_suspend", "late", "after", "issuers", "usual"):
        if stray := sorted(set(group.get(key, ())) - set(codes)):
            raise PackError(f"{name}: interventions: {key} names {', '.join(stray)}, which the group has not")
    after, issuers, usual = group.get("after", {}), group.get("issuers", {}), group.get("usual", [])
    try:
        return [
            Intervention(
                code=code,
                title_zh=title_zh,
                title_en=title_en,
                may_warn=group["may_warn"],
                must_end=group["must_end"],
                may_suspend=code in group.get("may_suspend", ()),
                article=OWNER_DECISION if group.get("source") == "owner decision" else group["article"],
                may_hold=group.get("may_hold", True),
                reason=EndReason(group["reason"]),
                late=code in group.get("late", ()),
                by=By(group["by"]) if "by" in group else None,
                phase=Phase(group["phase"]) if "phase" in group else None,
                after=tuple(after.get(code, ())),
                issuer=Issuer(issuers[code]) if code in issuers else None,
                usual=usual.index(code) + 1 if code in usual else 0,
            )
            for code, title_zh, title_en in group["items"]
        ]
    except ValueError as error:
        raise PackError(f"{name}: interventions: {error}") from error


def _canned(name: str, group: Mapping[str, Any]) -> list[CannedWarning]:
    if any(len(row) != 4 for row in group["items"]):
        raise PackError(f"{name}: a warning is an id, its codes, its Chinese and its English")
    return [CannedWarning(id, _codes(codes), zh, en, group["article"]) for id, codes, zh, en in group["items"]]


def _codes(codes: str | list[str]) -> tuple[str, ...]:
    """The grounds of a warning: a list, or the only one."""
    return (codes,) if isinstance(codes, str) else tuple(codes)
