"""Random bodies and queries from JSON schemas: mostly of the described form, with hostile values in some places."""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**53,
    2**63,
    -(2**63) - 1,
    10**30,
    1e308,
    5e-324,
    0.5,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u200b",
    "\u202e",
    "\ufeff",
    "🚀" * 40,
    "x" * 70_000,
    "0",
    "-1",
    "NaN",
    "١",
    "²",
    [],
    [[]],
    [None] * 300,
    {},
    {"": ""},
    {"__proto__": {}, "constructor": 1, "self": 1, "type": "x"},
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31",
    "0001-01-01",
    "2000-01-01",
    "2099-12-31",
    "2000-01-01T00:00:00+23:59",
    "2099-12-31T23:59:59-23:59",
    "2026-02-29",
    "2026-12-31T23:59:60Z",
    "2026-03-02T24:00:00Z",
    "2026-03-02T10:00:00",
    "2026-03-02T10:00:00+99:99",
    "-2026-03-02T10:00:00Z",
    "1e9",
    "../../etc/passwd",
    "%00",
    "'; --",
    "ses_" + "a" * 26,
)
WORDS = (
    "prison",
    "visitor",
    "first-prison",
    "panlong",
    "p1",
    "v1",
    "zh",
    "YN-17-2",
    "YN-18",
    "li",
    "in-1",
    "kin-1",
    "a",
)
RAW = (
    b"",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"nul",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b'{"a":1e999}',
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b'{"user":"a","user":"b"}',
    b'"\\ud800"',
    b'{"\\ud800":1}',
    b'{"note":"\\ud800"}',
    b"1" * 5000,
    b"{" + b'"a":0,' * 20_000 + b'"b":0}',
    b"\x00",
    b"{}{}",
    b"null",
    b"[]",
    b"true",
    b"0",
    b'""',
)


class Bodies:
    """Random values for the schemas of one OpenAPI document. `hints` are values that make sense, by member; `hostile`
    is how many of a hundred values are not."""

    def __init__(
        self, dice: random.Random, document: Mapping[str, Any], hints: Mapping[str, Sequence[Any]], hostile: float
    ) -> None:
        self._dice, self._schemas, self._hints = dice, document["components"]["schemas"], hints
        self._hostile = hostile / 100

    def raw(self, schema: Mapping[str, Any]) -> bytes:
        """Return the bytes of a body."""
        if self._dice.random() < self._hostile:
            return self._dice.choice(RAW)
        return json.dumps(self.value(schema)).encode()

    def value(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """Return a value of the described form, or a hostile one."""
        dice = self._dice
        if depth > 12 or dice.random() < self._hostile:
            return dice.choice(HOSTILE)
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].rpartition("/")[2]], depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return dice.choice(schema["enum"])
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema and "properties" not in schema:  # else it says more of the same object
                return self.value(dice.choice(schema[several]), depth + 1)
        return getattr(self, f"_{schema.get('type', 'string')}")(schema, depth)

    def member(self, name: str, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """Return a value for a member with this name."""
        if name in self._hints and self._dice.random() > self._hostile + 0.02:
            return self._dice.choice(self._hints[name])
        return self.value(schema, depth + 1)

    def _object(self, schema: Mapping[str, Any], depth: int) -> Any:
        required, members = schema.get("required", ()), schema.get("properties", {})
        kept = {name: inner for name, inner in members.items() if name in required or self._dice.random() < 0.6}
        made = {name: self.member(name, inner, depth) for name, inner in kept.items()}
        if self._dice.random() < self._hostile:
            made[self._dice.choice(("", "x", "\ud800", "self", "刘"))] = self._dice.choice(HOSTILE)
        return made

    def _array(self, schema: Mapping[str, Any], depth: int) -> Any:
        count = self._dice.choice((schema.get("minItems", 0), 1, 2, 3))
        return [self.value(schema.get("items", {}), depth + 1) for _ in range(count)]

    def _string(self, schema: Mapping[str, Any], depth: int) -> Any:
        if schema.get("format") == "date-time":
            hour = self._dice.randrange(24)
            return f"20{self._dice.randrange(100):02}-03-02T{hour:02}:00:00+08:00"
        if schema.get("format") == "date":
            return f"20{self._dice.randrange(100):02}-{self._dice.randrange(1, 13):02}-28"
        return self._dice.choice((*WORDS, "a" * schema.get("minLength", 1), "a" * min(300, schema.get("maxLength", 9))))

    def _integer(self, schema: Mapping[str, Any], depth: int) -> Any:
        low, high = schema.get("minimum", 0), schema.get("maximum", 100)
        return self._dice.choice((low, high, low + 1, self._dice.randint(int(low), max(int(low), int(high)))))

    def _number(self, schema: Mapping[str, Any], depth: int) -> Any:
        return self._dice.choice((schema.get("minimum", 0.0), schema.get("maximum", 1e9), 0.25))

    def _boolean(self, schema: Mapping[str, Any], depth: int) -> Any:
        return self._dice.random() < 0.5

    def _null(self, schema: Mapping[str, Any], depth: int) -> Any:
        return None
