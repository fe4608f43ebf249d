"""Values held against a JSON Schema, within limits, and what is wrong with them in
plain English."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turret.engine.pipelines.types import spelled

# Not imported: jsonschema takes 4 MB, and only the program itself needs it.
CHECKER = Path(__file__).with_name("checker.py")
# A hundred parameters take 0.1 s.
CPU_S = 2
# It may have to wait for the processor.
PATIENCE_S = 30.0
MOST_PROBLEMS = 100
REQUIRED = "is required"
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map of names to values",
    "null": "nothing",
}


class Unchecked(Exception):
    """The schema can't be used; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`path`: names and positions that lead to what is wrong; `message` follows it."""

    value: int  # which of the values
    path: tuple[str | int, ...]
    message: str


def problems(
    schema: Mapping[str, Any],
    values: Sequence[Any],
    *,
    most: int = MOST_PROBLEMS,
    cpu_s: int = CPU_S,
) -> Iterator[Problem]:
    """What is wrong with each of the values, at most `most` of each.

    Schema and values are plain JSON; nothing that the schema refers to is fetched.
    Takes `cpu_s` seconds of processor time at most. Raises Unchecked.
    """
    asked = {"schema": schema, "values": values, "most": most, "cpu_s": cpu_s}
    for error in _answer(asked)["found"]:
        yield from _problems_of(error)


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        ended = subprocess.run(
            [sys.executable, "-I", str(CHECKER)],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_hard() from None
    if ended.returncode < 0:
        raise _too_hard()
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise Unchecked(f"The check of the schema failed: {said[-300:]}")
    answer: dict[str, Any] = json.loads(ended.stdout)
    if broken := answer.get("broken"):
        raise Unchecked(f"The pipeline's schema can't be used: {broken}.")
    return answer


def _too_hard() -> Unchecked:
    return Unchecked(
        "The pipeline's schema takes too long to check: a pattern or a reference in it "
        "explodes."
    )


def _problems_of(error: Mapping[str, Any]) -> Iterator[Problem]:
    value, path, keyword = error["value"], tuple(error["path"]), error["keyword"]
    if keyword in ("required", "dependentRequired"):
        for name in error["expected"]:
            yield Problem(value, (*path, name), REQUIRED)
    elif keyword == "additionalProperties":
        for name in error["expected"]:
            yield Problem(value, (*path, name), "is not known to the pipeline")
    else:
        yield Problem(value, path, _message(error))


def _message(error: Mapping[str, Any]) -> str:
    keyword, expected = error["keyword"], error["expected"]
    if words := _WORDS.get(keyword):
        return words(expected)
    if keyword == "enum":
        others = error["count"] - len(expected)
        named = ", ".join(map(spelled, expected))
        return f"must be one of: {named}" + (f" and {others} more" if others else "")
    if error["said"]:
        return str(error["said"])
    if keyword == "pattern":
        return f"must be like {expected}"
    if keyword == "format":
        return f"must be a valid {expected}"
    return "is not as the pipeline needs it"


def _kind(expected: Any) -> str:
    names = expected if isinstance(expected, list) else [expected]
    return "must be " + " or ".join(_TYPES.get(name, str(name)) for name in names)


def _at_least(what: str) -> Callable[[Any], str]:
    return lambda limit: f"must have at least {limit} {what}"


def _at_most(what: str) -> Callable[[Any], str]:
    return lambda limit: f"must have at most {limit} {what}"


def _min_length(limit: Any) -> str:
    return "must not be empty" if limit == 1 else _at_least("characters")(limit)


# What is better said so than by the pipeline's own `errorMessage`, which has one for
# everything that may be wrong.
_WORDS: dict[str, Callable[[Any], str]] = {
    "type": _kind,
    "const": lambda value: f"must be {spelled(value)}",
    "minimum": lambda limit: f"must be at least {limit}",
    "maximum": lambda limit: f"must be at most {limit}",
    "exclusiveMinimum": lambda limit: f"must be more than {limit}",
    "exclusiveMaximum": lambda limit: f"must be less than {limit}",
    "multipleOf": lambda factor: f"must be a multiple of {factor}",
    "minLength": _min_length,
    "maxLength": _at_most("characters"),
    "minItems": _at_least("items"),
    "maxItems": _at_most("items"),
    "uniqueItems": lambda _: "must not have the same item twice",
}
