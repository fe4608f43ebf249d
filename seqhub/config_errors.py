"""What is wrong with a configuration, in a sysadmin's words."""

from __future__ import annotations

import difflib
import os
import re
import reprlib
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Key = tuple[int | str, ...]

ENV_PREFIX = "SEQHUB_"
ENV_DELIMITER = "__"
# What a mistake of a kind should have been; the others explain themselves.
RIGHT = {
    "bool": "true or false",
    "dict": "a section of `key: value` lines",
    "finite": "a finite number",
    "float": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int": "a whole number",
    "ip_any_network": "a network or an address, as in 10.1.0.0/16 or 192.0.2.7",
    "less_than_equal": "at most {le:g}",
    "list": "a list, each value on a line of its own after a dash",
    "enum": "one of {expected}",
    "literal_error": "one of {expected}",
    "model": "a section of `key: value` lines",
    "path": "a path",
    "string": "text; quote it",
    "string_pattern_mismatch": "made of letters, digits, dots, hyphens and underscores",
    "string_too_long": "at most {max_length} characters long",
    "string_too_short": "filled in, or left out",
    "url": "an address, as in https://seqhub.example.org",
}
RIGHT_IN_VARIABLE = RIGHT | {
    "dict": 'JSON, as in {{"key": "value"}}',
    "list": 'a list in JSON, as in ["one", "two"]',
    "model": 'JSON, as in {{"key": "value"}}',
}


class _Shown(reprlib.Repr):
    """Values in messages: short, and without the password in an address."""

    credentials = re.compile(r"//[^/\s]*@")

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = 60

    def repr_str(self, value: str, level: int) -> str:
        return super().repr_str(self.credentials.sub("//...@", value), level)


shown = _Shown().repr


class ConfigError(Exception):
    """The configuration can't be used; one line a mistake in `mistakes`."""

    def __init__(self, source: str, mistakes: list[str]) -> None:
        super().__init__(source, mistakes)
        self.source = source
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(
            # What a variable says is not the file's fault.
            mistake if mistake.startswith("$") else f"{self.source}: {mistake}"
            for mistake in self.mistakes
        )


def explain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One line for one mistake: where it is, and what would be right.

    The place is a key path such as `server.port`, or the variable that set it.
    """
    key = detail["loc"]
    variable = variable_of(key)
    place = f"${variable}" if variable else key_path(key)
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key; {hint(key, model)}"
    if detail["type"] == "missing":
        return f"{place}: is missing"
    kinds = RIGHT_IN_VARIABLE if variable else RIGHT
    right = next(
        (kinds[kind] for kind in _kinds(detail["type"]) if kind in kinds), None
    )
    if right is None:
        message = detail["msg"].removeprefix("Value error, ")
        return f"{place}: {message}" if place else message
    wanted = right.format(**detail.get("ctx", {}))
    return f"{place}: must be {wanted} (found {shown(detail['input'])})"


def _kinds(kind: str) -> tuple[str, str]:
    """pydantic's kind of mistake, as in `int_parsing`, and its first word."""
    return kind, kind.partition("_")[0]


def key_path(key: Key) -> str:
    """`("a", "b", 0)` as `a.b[0]`."""
    path = ""
    for part in key:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def variable_of(key: Key) -> str | None:
    """The environment variable that gave the value at `key`, if one did."""
    given = {name.upper(): name for name, value in os.environ.items() if value}
    names = [str(part).upper() for part in key]
    for length in range(len(names), 0, -1):
        name = ENV_PREFIX + ENV_DELIMITER.join(names[:length])
        if name in given:
            return given[name]
    if key == ("database", "url") and "DATABASE_URL" in given:
        return "DATABASE_URL"
    return None


def hint(key: Key, model: type[BaseModel]) -> str:
    """What an unknown key may have been meant to be."""
    name = str(key[-1])
    known = _keys_at(key[:-1], model)
    if close := difflib.get_close_matches(name, known, n=1):
        return f"did you mean {close[0]}?"
    if elsewhere := [path for path in _all_keys(model) if path.endswith(f".{name}")]:
        return f"did you mean {elsewhere[0]}?"
    return f"known here: {', '.join(known)}" if known else "there is no such section"


def _keys_at(path: Key, model: type[BaseModel]) -> list[str]:
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        models = _models_in(field.annotation if field else None)
        if not models:
            return []
        model = models[0]
    return sorted(model.model_fields)


def _all_keys(model: type[BaseModel]) -> list[str]:
    return [
        f"{name}.{key}"
        for name, field in model.model_fields.items()
        for section in _models_in(field.annotation)
        for key in section.model_fields
    ]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    arguments = getattr(annotation, "__args__", ())
    return [model for argument in arguments for model in _models_in(argument)]
