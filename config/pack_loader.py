"""Policy packs: TOML files in which every value cites its article, read into a Policy.

A pack is known by its name (yunnan, guangdong, demo) or by the path of a file of the same shape.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from config.alerts import ALERT_RULES, AlertRules
from config.check_in import CHECK_IN_RULES, CheckInRules, Consequence, Tick
from config.extension import EXTENSION_RULES, ExtensionGround, ExtensionRules, Until
from config.law import OWNER_DECISION, EndReason
from config.policy import RULES, CannedWarning, Intervention, Policy
from config.suspension import SUSPENSION_RULES, Step, SuspensionRules, Verdict

_UNITS = {"seconds", "minutes", "hours"}


class PackError(ValueError):
    """The pack is unknown, unreadable or not of the right shape; the text says what and where."""


def packs() -> tuple[str, ...]:
    """The names of the packs that come with the package, in alphabetical order."""
    files = _folder().iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".toml")))


def load_pack(name_or_path: str | Path) -> Policy:
    """Read a pack by name or from a .toml file.

    Raises PackError for shape, config.policy.LooserThanLaw for content.
    """
    name, text = _find(name_or_path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{name}: {error}") from error
    return _policy(name, document)


def _folder() -> Traversable:
    return resources.files("config").joinpath("packs")


def _find(name_or_path: str | Path) -> tuple[str, str]:
    if str(name_or_path) in packs():
        name = str(name_or_path)
        return name, _folder().joinpath(f"{name}.toml").read_text("utf-8")
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        raise PackError(f"no policy pack {name_or_path!s}; there are {', '.join(packs())}")
    return path.stem, path.read_text("utf-8")


def _policy(name: str, document: dict[str, Any]) -> Policy:
    head = document.pop("pack", {})
    groups = document.pop("interventions", [])
    warnings = document.pop("warnings", [])
    check_in = document.pop("check_in", {})
    alerts = document.pop("alerts", {})
    extension = document.pop("extension", {})
    suspension = document.pop("suspension", {})
    unknown = sorted(set(document) - set(RULES)) + sorted(set(RULES) - set(document))
    if unknown:
        raise PackError(f"{name}: unknown or missing {', '.join(unknown)}")
    try:
        return Policy(
            name=name,
            version=head["version"],
            law=head["law"],
            title_zh=head["title_zh"],
            title_en=head["title_en"],
            demo=head.get("demo", False),
            interventions=_interventions(name, groups, head["law"]),
            warnings=tuple(text for group in warnings for text in _canned(name, group)),
            check_in=_check_in(name, check_in),
            alerts=_alerts(name, alerts),
            extension=_extension(name, extension),
            suspension=_suspension(name, suspension),
            articles={rule: _citation(name, rule, document[rule]) for rule in RULES},
            **{rule: _value(name, rule, document[rule]) for rule in RULES},
        )
    except (KeyError, TypeError) as error:
        raise PackError(f"{name}: wrong shape, look at {error}") from error


def _value(name: str, rule: str, entry: Mapping[str, Any]) -> Any:
    value, unit = entry.get("value"), entry.get("unit")
    if type(value) is not int or (unit is not None and unit not in _UNITS):
        raise PackError(f"{name}: {rule} needs a whole `value` and at most a unit of time")
    return value if unit is None else timedelta(**{unit: value})


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
            case "commitment_letter" | "dialect_with_reason" if isinstance(value, bool):
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


Ends = Mapping[str, tuple[EndReason, bool]]
"""Code -> how an end under it counts, and whether it says that visitors are late."""


def _interventions(name: str, groups: list[Mapping[str, Any]], law: str) -> tuple[Intervention, ...]:
    """The grounds of a pack. Packs written before ends had a `reason` take it, code by code, from the pack of their law
    that comes with the package; a code that this one does not have is the officers' measure, as it was then."""
    former: Ends = {}
    if law in packs() and any("reason" not in group for group in groups):
        own = tomllib.loads(_folder().joinpath(f"{law}.toml").read_text("utf-8"))["interventions"]
        former = {code: end for group in own if "reason" in group for code, end in _ends(law, group, {}).items()}
    return tuple(ground for group in groups for ground in _group(group, _ends(name, group, former)))


def _ends(name: str, group: Mapping[str, Any], former: Ends) -> Ends:
    codes = [code for code, *_ in group["items"]]
    if "reason" not in group:
        if "late" in group:
            raise PackError(f"{name}: interventions that say `late` give a `reason` too")
        return {code: former.get(code, (EndReason.SUPERVISOR, False)) for code in codes}
    try:
        reason = EndReason(group["reason"])
    except ValueError as error:
        raise PackError(f"{name}: interventions: {error}") from error
    return {code: (reason, code in group.get("late", ())) for code in codes}


def _group(group: Mapping[str, Any], ends: Ends) -> list[Intervention]:
    owners = group.get("source") == "owner decision"
    return [
        Intervention(
            code=code,
            title_zh=title_zh,
            title_en=title_en,
            may_warn=group["may_warn"],
            must_end=group["must_end"],
            may_suspend=code in group.get("may_suspend", ()),
            article=OWNER_DECISION if owners else group["article"],
            may_hold=group.get("may_hold", True),
            reason=ends[code][0],
            late=ends[code][1],
        )
        for code, title_zh, title_en in group["items"]
    ]


def _canned(name: str, group: Mapping[str, Any]) -> list[CannedWarning]:
    if any(len(row) != 4 for row in group["items"]):
        raise PackError(f"{name}: a warning is an id, a code, its Chinese and its English")
    return [CannedWarning(id, code, zh, en, group["article"]) for id, code, zh, en in group["items"]]
