"""Session views as the tests of the supervisors' page need them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

SIDES = ("prison", "visitor")
SHANGHAI = timezone(timedelta(hours=8))


PRISONERS, VISITORS = ("identity", "security", "rules"), ("identity", "security", "phone", "rules")


def person(
    name: str, relation: str = "", checked: bool = False, required: tuple[str, ...] = PRISONERS, **more: Any
) -> dict[str, Any]:
    """Return a listed person with the checks that are required; the id is made of the name's characters."""
    named = {"id": f"per_{''.join(f'{ord(c):x}' for c in name)}", "name": name, "relation": relation}
    desk = {"role": "party", "first_visit": False, "absent": False, "required": list(required)}
    return {**named, "checked": checked, **desk, "ticked": list(required) if checked else [], **more}


RULES = {"rules": False, "rules_at": None, "rules_manner": None}


def side(site: str, site_name: str, room_name: str, *people: dict[str, Any]) -> dict[str, Any]:
    """Return one side of a session with its site, room and people."""
    named = {"site": site, "site_name": site_name, "room": f"{site}-r", "room_name": room_name}
    return {
        **named,
        "people": list(people),
        "self_test": False,
        "media": False,
        "seat": False,
        "equipment": None,
    } | RULES


def language(tag: str, zh: str, en: str, interpreter: str) -> dict[str, Any]:
    """Return the language of a visit and the state of its interpreter."""
    return {"tag": tag, "zh": zh, "en": en, "interpreter": interpreter, "reason": ""}


def _today(now: datetime, away: timedelta) -> datetime:
    """Return the moment so far away from now, or the nearest one on the same day in Shanghai: the page lists a day."""
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return min(max(now + away, midnight), midnight + timedelta(hours=23, minutes=59)).astimezone(UTC)


def session(name: str, minutes_from_now: float = 0, **changes: Any) -> dict[str, Any]:
    """Return a SessionView of today; `changes` replace its members."""
    starts = _today(datetime.now(UTC), timedelta(minutes=minutes_from_now))
    quorum = {which: {"need": 2, "have": []} for which in SIDES}
    view: dict[str, Any] = {
        "id": name,
        "slot": f"slot-{name}",
        "state": "scheduled",
        "reason": None,
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(minutes=40)).isoformat(),
        "minutes": 30,
        "sides": {
            "prison": side("yunnan-1", "云南第一监狱", "三监区 1 号会见室", person("王建国")),
            "visitor": side(
                "guandu",
                "官渡区司法局",
                "会见室 2",
                person("王秀兰", "母亲", required=VISITORS),
                person("张丽", "配偶"),
            ),
        },
        "quorum": quorum,
        "gate": "shut",
        "crossed_ms": None,
        "remaining_ms": None,
        "missing": [],
        "recording": {"state": "none", "seconds": 0, "path": None, "sha256": None},
        "my_side": None,
        "language": language("zh", "普通话", "Mandarin", "not_needed"),
        "check_in_until": (starts + timedelta(minutes=15)).isoformat(),
        "speech": None,
    }
    return {**view, **changes}


def officers(*names: str) -> dict[str, Any]:
    """Return a side's quorum of two with these officers present."""
    return {"need": 2, "have": [{"id": f"off-{number}", "name": name} for number, name in enumerate(names)]}


QUORUM = {"prison": officers("李明", "赵强"), "visitor": officers("刘芳", "陈静")}


def with_media(view: dict[str, Any], *sides: str) -> dict[str, Any]:
    """Return the same session with the rooms of these sides sending."""
    changed = {which: {**side, "media": which in sides} for which, side in view["sides"].items()}
    return {**view, "sides": changed}


def checking_in(name: str = "ses_a", **changes: Any) -> dict[str, Any]:
    """Return a session whose check-in is open and whose rooms do not send yet."""
    return session(name, 3, state="check_in", **changes)


def live(name: str = "ses_a", left: int = 1_445_000, **changes: Any) -> dict[str, Any]:
    """Return a session whose rooms are connected, with `left` milliseconds to the limit."""
    facts: dict[str, Any] = {"state": "live", "gate": "open", "crossed_ms": 1000, "remaining_ms": left}
    facts["quorum"] = QUORUM
    facts["recording"] = {"state": "writing", "seconds": 1.0, "path": None, "sha256": None}
    return with_media(session(name, -1, **{**facts, **changes}), *SIDES)


def because(code: str, zh: str, en: str, article: str | None = None) -> dict[str, Any]:
    """Return a reason, or an item of what is missing."""
    return {"code": code, "zh": zh, "en": en, "article": article}


def by_officer(name: str = "ses_a") -> dict[str, Any]:
    """Return a session that a supervisor holds."""
    reason = because("supervisor", "管理员中止会见", "Held by a supervisor", "YN-16-6")
    return live(name, state="held", gate="shut", reason=reason)
