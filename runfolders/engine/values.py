"""Values from files that are not XML, made fit to be stored and shown."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from .facts import Unreadable

Shapes = tuple[tuple[re.Pattern[str], str], ...]


def parse_json_object(name: str, content: bytes) -> Mapping[str, Any]:
    """The JSON object in `content`, the content of file `name`. Raises Unreadable."""
    try:
        value = json.loads(content.decode("utf-8-sig"))
    # RecursionError: deep nesting is a hostile or broken file, not a bug of ours.
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{name} is not whole or not JSON.") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{name} does not hold a JSON object.")
    return value


def plain_text(value: object, limit: int = 255) -> str | None:
    """`value` as one line that any database and any page can take; None if empty.

    Only text and numbers count; whatever else is in a file is its structure.
    """
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    # Not printable: control characters and lone surrogates, which PostgreSQL and
    # UTF-8 refuse.
    line = "".join(c if c.isprintable() else " " for c in str(value)[: 4 * limit])
    return " ".join(line.split())[:limit] or None


def iso_time(value: str | None) -> dt.datetime | None:
    """An ISO 8601 time, naive if it has no zone; None for anything else."""
    try:
        return dt.datetime.fromisoformat(value or "")
    except ValueError:
        return None


def time_of_name(name: re.Match[str] | None) -> dt.datetime | None:
    """The groups `date` and `time` of a folder's name, `20240131` and `1011` or
    `101112`; it has no zone."""
    return iso_time(f"{name['date']}T{name['time']}") if name else None


def first_of_shape(shapes: Shapes, value: str | None) -> str | None:
    """What goes with the first shape that the whole value has; None if it has none."""
    matches = (word for shape, word in shapes if shape.fullmatch(value or ""))
    return next(matches, None)


def sha256(content: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def without_nothings(values: Mapping[str, str | None]) -> dict[str, str]:
    """The entries that say something."""
    return {key: value for key, value in values.items() if value}
