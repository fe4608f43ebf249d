"""How Nextflow writes JSON, with its faults.

Groovy's DefaultJsonGenerator as TowerJsonGenerator changes it: what can't be written
is skipped with a warning, after its key was written. NaN leaves nothing behind; a
null key ends its object there, the closing brace missing.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any


class _Unwritable(Exception):
    """The generator's IllegalArgumentException."""


def written(value: Any) -> str:
    """`value` as Nextflow sends it; a key may be None."""
    parts: list[str] = []
    _write_object(value, parts)
    return "".join(parts)


def received(value: Any) -> Any:
    """What of `value` can be known from what was sent."""
    if isinstance(value, dict):
        known = {}
        for key, item in value.items():
            if key is None:
                break
            known[key] = received(item)
        return known
    if isinstance(value, list):
        # One that holds nothing but NaN arrives as an empty one.
        alone = len(value) == 1 and not _is_writable(value[0])
        return [] if alone else [received(item) for item in value]
    return value if _is_writable(value) else None


def _is_writable(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _write_object(value: Any, parts: list[str]) -> None:
    if isinstance(value, dict):
        with suppress(_Unwritable):
            _write_map(value, parts)
    elif isinstance(value, list):
        _write_list(value, parts)
    elif _is_writable(value):
        parts.append(json.dumps(value))


def _write_map(value: dict[str | None, Any], parts: list[str]) -> None:
    if not value:
        parts.append("{}")
        return
    parts.append("{")
    for key, item in value.items():
        if key is None:
            raise _Unwritable
        parts.append(f"{json.dumps(key)}:")
        _write_object(item, parts)
        parts.append(",")
    parts[-1] = "}"  # the last comma goes


def _write_list(value: list[Any], parts: list[str]) -> None:
    if not value:
        parts.append("[]")
        return
    parts.append("[")
    for item in value:
        _write_object(item, parts)
        parts.append(",")
    parts[-1] = "]"
