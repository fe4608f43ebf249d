"""Single values of trace bodies, as what they should be.

What is something else, or does not fit into PostgreSQL's columns, is None or empty;
nothing here raises. Text is expected to come from `body.parse`, hence clean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from turret.engine.records import JsonObject

# Of JSON that is kept as it came: json.dumps raises RecursionError near 1,000.
MAX_DEPTH = 64
_INT64 = 1 << 63
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_CENTURY = re.compile("20..-..-..")
# Integer.MAX_VALUE: Nextflow's default of a task that has no exit status yet.
NO_EXIT = 2_147_483_647


def text(value: object, limit: int | None = None) -> str:
    """A string, number or truth value as text, cut at `limit` characters."""
    if isinstance(value, str):
        return value if limit is None else value[:limit]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)[:limit]
    return ""


def joined(value: object) -> str:
    """A list's texts joined by commas; a single one as it is."""
    if isinstance(value, list):
        return ",".join(filter(None, map(text, value)))
    return text(value)


def int64(value: object) -> int | None:
    """An integer of 64 bits, also of digits in a string or a float without fraction."""
    if isinstance(value, int):
        fits = -_INT64 <= value < _INT64 and not isinstance(value, bool)
        return value if fits else None
    if isinstance(value, float):
        return int64(int(value)) if value.is_integer() else None
    # More digits are out of range, and int() raises at very many.
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int64(int(value))
    return None


def exit_status(value: object) -> int | None:
    """An exit status; None where Nextflow does not know it."""
    status = int64(value)
    return None if status == NO_EXIT else status


def real(value: object) -> float | None:
    """A finite number, also in a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def time(value: object) -> datetime | None:
    """An ISO 8601 time of this century, as UTC, also one without an offset. Java
    leaves out seconds that are zero and writes up to nine digits of a fraction;
    microseconds stay."""
    if not isinstance(value, str) or not _CENTURY.match(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def document(value: object) -> Any:
    """JSON to be kept as it came; None if it is nested more than MAX_DEPTH deep."""
    return value if _is_shallow(value, MAX_DEPTH) else None


def mapping(value: object) -> JsonObject | None:
    """An object to be kept as it came."""
    return document(value) if isinstance(value, dict) else None


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[JsonObject]:
    """The objects in a list, each to be kept as it came."""
    return [found for item in items(value) if (found := mapping(item)) is not None]


def texts(value: object, limit: int | None = None) -> list[str]:
    """The texts in a list that are not empty, each cut at `limit` characters."""
    return [found for item in items(value) if (found := text(item, limit))]


def _is_shallow(value: object, levels: int) -> bool:
    below: Iterator[object]
    if isinstance(value, dict):
        below = iter(value.values())
    elif isinstance(value, list):
        below = iter(value)
    else:
        return True
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in below)
