"""The types of JSON Schema, and texts as values of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from turret.engine.pipelines import plain

# The first one is what a field takes that takes anything.
TYPES = ("string", "integer", "number", "boolean", "array", "object")
_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"", "false", "off", "no", "0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,300}", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,3})?",
    re.ASCII,
)


def types_of(details: Mapping[str, Any]) -> tuple[str, ...]:
    """What a value may be; where it is not said, what its default is."""
    stated = details.get("type")
    named = stated if isinstance(stated, list) else [stated]
    found = tuple(kind for kind in TYPES if kind in named)
    return found or (type_of(details.get("default")) or TYPES[0],)


def type_of(value: object) -> str:
    """Empty for null."""
    if isinstance(value, bool):
        return "boolean"
    for name, kind in zip(TYPES, (str, int, float, bool, list, dict), strict=True):
        if isinstance(value, kind):
            return name
    return ""


def is_of(value: object, types: Sequence[str]) -> bool:
    name = type_of(value)
    return name in types or (name == "integer" and "number" in types)


def fitting(value: Any, types: Sequence[str]) -> Any:
    """A default as one of the types, also where it is spelled as a text or as a number
    in its place; None if it is none."""
    if is_of(value, types) or value is None:
        return value
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return int(value)
    found = typed(spelled(value), types)
    return found if is_of(found, types) else None


def typed(text: str, types: Sequence[str]) -> Any:
    """The value that a text stands for; the text itself where it stands for none, and
    the check of it will say so."""
    word = text.strip()
    if (
        "boolean" in types
        and (found := _truth(word, alone=len(types) == 1)) is not None
    ):
        return found
    if "integer" in types and _INTEGER.fullmatch(word):
        return int(word)
    if "number" in types and _NUMBER.fullmatch(word):
        number = float(word)
        return int(word) if _INTEGER.fullmatch(word) else number
    if "array" in types or "object" in types:
        try:
            value = plain.parse(word)
        except plain.NotPlain:
            return text
        return value if is_of(value, types) else text
    return text


def spelled(value: Any) -> str:
    """A value as a field shows it: text as it is, all else as JSON; nothing of null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _truth(word: str, *, alone: bool) -> bool | None:
    """What else may be meant by a word, where it need not be a truth value, is left."""
    lower = word.lower()
    if lower in (_TRUE if alone else {"true"}):
        return True
    if lower in (_FALSE if alone else {"false"}):
        return False
    return None
