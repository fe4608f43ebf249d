"""Sizes and durations as people read them."""

from __future__ import annotations

import datetime as dt
import re

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEPS = (("y", 365 * 86_400), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def format_bytes(size: float) -> str:
    """Binary units, three digits at most: `87 B`, `1.2 GiB`, `318 MiB`."""
    unit = 0
    while abs(size) >= 1024 and unit < len(_SIZES) - 1:
        size /= 1024
        unit += 1
    digits = 1 if unit and abs(size) < 100 else 0
    return f"{size:.{digits}f} {_SIZES[unit]}"


def counted(number: int, noun: str) -> str:
    """`1 file`, `5,005 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_duration(seconds: float, units: int = 2) -> str:
    """The largest `units` units: `41 min`, `2 h 14 min`, `3 d 4 h`; whole seconds."""
    left = max(round(seconds), 0)
    parts: list[str] = []
    for name, step in _STEPS:
        count, left = divmod(left, step)
        if count:
            parts.append(f"{count} {name}")
        elif parts:  # `2 d 5 min` would look more exact than it is
            break
        if len(parts) == units:
            break
    return " ".join(parts) or "0 s"


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `30min`, `1.5h` or `2d`. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?(s|min|h|d)", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration such as 90s, 30min, 2h or 1d")
    return float(found[1]) * dict(_STEPS)[found[2]]


def format_since(at: dt.datetime, now: dt.datetime) -> str:
    """How far `at` lies from `now`: `just now`, `12 s ago`, `in 5 min`."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 2:
        return "just now"
    if seconds < 0:
        return f"in {format_duration(-seconds, units=1)}"
    return f"{format_duration(seconds, units=1)} ago"
