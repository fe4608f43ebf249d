"""Values of parameters: from forms and files, and whether a pipeline takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from turret.engine.pipelines import checking, plain, plain_yaml
from turret.engine.pipelines.checking import Problem
from turret.engine.pipelines.schema import Param, Schema
from turret.engine.pipelines.types import spelled, typed

# Of all parameters together, as JSON, and of a file of them.
MOST_BYTES = 500_000
# What is wrong with none of the parameters alone.
ALL = ""
_FILES = {
    "file-path": "there is no such file",
    "directory-path": "there is no such directory",
    "path": "there is no such file or directory",
}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class BadParams(ValueError):
    """A file holds no parameters; the message says why, in a sentence."""


def validate(
    schema: Schema | None,
    params: Mapping[str, Any],
    *,
    look: Callable[[str], bool] | None,
    settled: Collection[str] = (),
) -> dict[str, str]:
    """What is wrong, by the parameter's key, or by ALL; empty: nothing is.

    Null is the same as not given; what has a default, or is among `settled` (by a
    profile or a configuration), need not be given. `look` says whether a path is there,
    which is asked of parameters that must exist; of addresses of other machines nothing
    is. Without a schema only that is checked which no pipeline could read.

    Raises checking.Unchecked for a schema that can't be used.
    """
    if wrong := _unreadable(params):
        return wrong
    if schema is None:
        return {}
    given = {key: value for key, value in params.items() if value is not None}
    found = checking.problems(schema.document, [given])
    wrong = _by_key(found, {*settled, *_with_default(schema)})
    if look is None:
        return wrong
    missing = {
        key: missing_file(given.get(key), param.format, look)
        for key, param in schema.params.items()
        if param.exists and key not in wrong
    }
    return wrong | {key: message for key, message in missing.items() if message}


def from_form(schema: Schema, data: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that a form's texts stand for.

    What is empty is not given, and neither is what equals the default: what a profile
    sets must not be undone by a form that nobody touched. A switch that is off has to
    come as `false`. A text that is not of its parameter's type stays a text, for
    `validate` to refuse.
    """
    return {
        key: value
        for key, param in schema.params.items()
        if key in data and (value := _value(param, data[key])) != _unset(param)
    }


def read_params_file(raw: bytes, name: str) -> dict[str, Any]:
    """The parameters in a file of JSON (`*.json`) or YAML. Raises BadParams."""
    if len(raw) > MOST_BYTES:
        raise BadParams(f"{name} has more than {MOST_BYTES:,} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadParams(f"{name} is not UTF-8 text.") from None
    try:
        found = (
            plain.parse(text)
            if name.lower().endswith(".json")
            else plain_yaml.parse(text)
        )
    except plain.NotPlain as error:
        raise BadParams(f"{name} {error}.") from None
    if not isinstance(found, dict):
        raise BadParams(f"{name} holds no names with values, like `input: sheet.csv`.")
    return found


def _unreadable(params: Mapping[str, Any]) -> dict[str, str]:
    wrong = {}
    for key, value in params.items():
        if problem := plain.problem_of_name(key):
            return {ALL: f"the parameters: one {problem}"}
        if problem := plain.problem_of(value):
            wrong[key] = problem
    if not wrong and len(json.dumps(params)) > MOST_BYTES:
        longest = max(params, key=lambda key: len(json.dumps(params[key])))
        wrong[longest] = f"is too long: all parameters may have {MOST_BYTES:,} bytes"
    return wrong


def _with_default(schema: Schema) -> set[str]:
    return {key for key, param in schema.params.items() if param.default is not None}


def _by_key(found: Iterable[Problem], settled: Collection[str]) -> dict[str, str]:
    """The first message for each parameter."""
    wrong: dict[str, str] = {}
    for problem in found:
        key = str(problem.path[0]) if problem.path else ALL
        inner = ".".join(map(str, problem.path[1:]))
        if problem.message == checking.REQUIRED and not inner and key in settled:
            continue
        message = f"{inner} {problem.message}" if inner else problem.message
        wrong.setdefault(key, message)
    return wrong


def missing_file(path: object, kind: str, look: Callable[[str], bool]) -> str:
    """What to say of a path, of a format of nf-core's, that must be there and is not;
    of what is no path of this machine, nothing."""
    if not isinstance(path, str) or _URL.match(path) or look(path):
        return ""
    return _FILES.get(kind, _FILES["path"])


def _value(param: Param, text: str) -> Any:
    for choice in param.choices:
        if spelled(choice) == text:
            return choice
    if param.format in _FILES:
        text = text.strip()
    if not text.strip() and param.types != ("boolean",):
        return None
    return typed(text, param.types)


def _unset(param: Param) -> Any:
    """The value that says nothing."""
    if param.default is None and param.types == ("boolean",):
        return False
    return param.default
