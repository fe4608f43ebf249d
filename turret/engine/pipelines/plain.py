"""What others send as JSON, and whether it can be kept, shown and handed on."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

# Of lists and objects; json.dumps raises RecursionError near 1,000.
DEEPEST = 64
LONGEST_NAME = 200


class NotPlain(ValueError):
    """It is not JSON, or not such as can be kept; the message says why, of `it`."""


def parse(text: str) -> Any:
    """The value that JSON text stands for. Raises NotPlain."""
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse)
    except RecursionError:
        raise NotPlain("is nested too deeply") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotPlain(f"is not JSON: {error.msg} ({place})") from None
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise NotPlain(f"is not JSON: {error}") from None
    if problem := problem_of(value):
        raise NotPlain(problem)
    return value


def problem_of(value: Any, levels: int = DEEPEST) -> str:
    """Why a value can't be kept as JSON, as words that follow `it`; empty: it can."""
    if isinstance(value, str):
        return _problem_of_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "holds a number that is not finite"
    if value is None or isinstance(value, bool | int | float):
        return ""
    if not isinstance(value, dict | list):
        return f"holds a {type(value).__name__}, which JSON does not know"
    if not levels:
        return "is nested too deeply"
    if isinstance(value, dict):
        problems = map(problem_of_name, value)
        if problem := next(filter(None, problems), ""):
            return problem
        value = list(value.values())
    return next(filter(None, (problem_of(item, levels - 1) for item in value)), "")


def problem_of_name(name: object) -> str:
    """The same for what should be the name of a value."""
    if not isinstance(name, str):
        return f"holds a name that is no text: {name!r:.50}"
    if len(name) > LONGEST_NAME:
        return f"holds a name of more than {LONGEST_NAME} characters"
    return _problem_of_text(name)


def _problem_of_text(text: str) -> str:
    # PostgreSQL keeps neither.
    if "\0" in text:
        return "holds the character NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate)"
    return ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
