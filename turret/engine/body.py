"""Bodies of trace calls, from bytes to JSON that PostgreSQL takes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from turret.engine.records import JsonObject

MAX_BYTES = 64 << 20
# Above this the heavy fields of a body go (`shed`), so that the rest can stay.
SHED_ABOVE_BYTES = 8 << 20

# Nextflow cuts a script at 10,240 characters itself, and env at 2,048.
_TASK_FIELD = 10_240
_RUN_FIELD = 1 << 20
# Metrics of a thousand processes are some megabytes.
_BODY_FIELD = 16 << 20
_CUT = "\n[cut: it was too long]"

# The escapes of U+0000, which neither text nor jsonb takes, and of half a surrogate
# pair. Behind an escaped backslash it may be neither, which costs only time.
_RARE = re.compile(
    r"\\u(?:0000|[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])"
    r"|(?<![^\\]\\u[dD][89abAB]..\\u[dD])[c-fC-F]))"
)
_HALF = re.compile("[\ud800-\udfff]")
# What begins a string and never ends it goes on to the end, so that this is linear.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# A string; or a sign with nothing between it and the next one; or a bracket; or what
# stands between them, so that the tokens are all the text.
_TOKEN = re.compile(
    rf"{_STRING.pattern}"
    r"|(?P<gap>[:,]\s*+(?=[,}\]])|\[\s*+(?=,)|\{\s*+(?=[,\]]))"
    r"|(?P<bracket>[{}\[\]])|[:,]|[^\"{}\[\]:,]++",
    re.DOTALL,
)
# What has more gaps or tokens, or is nested deeper, no Nextflow has sent: it stays
# broken, lest it takes much memory or time.
_MOST_PARTS = 200_000
_MOST_TOKENS = 1_000_000
_MOST_OPENED = 1_000
# Of objects and lists: a hundred tasks have hundreds of them, and 64 MiB of empty ones
# would be gigabytes.
_MOST_BRACKETS = 2_000_000


class BadBody(ValueError):
    """No Nextflow sends this; the message is for whoever did."""


def parse(raw: bytes) -> JsonObject:
    """The object in `raw`, UTF-8.

    Its strings have no U+0000 and no lone surrogates (U+FFFD instead), numbers that
    are not finite are None; integers may be of any size. Raises BadBody.
    """
    # Lone surrogates as bytes are no UTF-8, and are replaced here already.
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    if raw.count(b"{") + raw.count(b"[") > _MOST_BRACKETS:
        raise BadBody("The body has too many objects and lists.")
    if not text or text.isspace():
        raise BadBody("The body is empty; a JSON object is expected.")
    try:
        value = _decoded(text)
        if _RARE.search(text):
            value = _cleaned(value)
    except RecursionError as error:
        raise BadBody("The body is nested too deeply.") from error
    if not isinstance(value, dict):
        raise BadBody("The body is no JSON object.")
    return value


def shed(body: JsonObject) -> list[str]:
    """Cut long strings of `body` and drop large values, in place; never a task.

    For raw bodies above SHED_ABOVE_BYTES. The answer names what became less, as
    `workflow.configText`, `tasks.script`.
    """
    less: set[str] = set()
    for key in ("dag", "metrics", "containers", "processNames"):
        _shed_field(body, key, _BODY_FIELD, key, less)
    run = body.get("workflow")
    if isinstance(run, dict):
        for key in run:
            _shed_field(run, key, _RUN_FIELD, f"workflow.{key}", less)
    tasks = body.get("tasks")
    for task in tasks if isinstance(tasks, list) else []:
        if isinstance(task, dict):
            for key in task:
                _shed_field(task, key, _TASK_FIELD, f"tasks.{key}", less)
    return sorted(less)


def _shed_field(
    holder: JsonObject, key: str, limit: int, name: str, less: set[str]
) -> None:
    value = holder.get(key)
    if isinstance(value, str) and len(value) > limit:
        holder[key] = value[:limit] + _CUT
    elif isinstance(value, dict | list) and _is_large(value, limit):
        holder[key] = None
    else:
        return
    less.add(name)


def _is_large(value: object, limit: int) -> bool:
    try:
        return len(json.dumps(value)) > limit
    except RecursionError:
        return True


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


_DECODER = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as broken:
        try:
            return _DECODER.decode(_repaired(text))
        except ValueError:
            raise BadBody(f"The body is no JSON: {broken}.") from broken
    except ValueError as error:
        # Python takes no integers of more than 4,300 digits.
        raise BadBody("The body has a number that is too long.") from error


def _repaired(text: str) -> str:
    """`text` with what Nextflow leaves out put in again.

    What its JSON generator can't write it skips, with a warning: NaN leaves `"x":,`
    or `[1,,2]`, and of an object with a null key all from there on is missing, the
    closing brace too: `{"a":1,,"next":2`. A comma too many in a whole object goes.
    Raises ValueError as `_tokens`.
    """
    has_cuts = _is_cut(text)
    parts: list[str] = []
    opened: list[str] = []
    end = 0
    for token in _tokens(text):
        if len(parts) > _MOST_PARTS or len(opened) > _MOST_OPENED:
            break
        mark = (token["gap"] or token["bracket"] or "")[:1]
        if token["gap"]:
            in_list = mark == "[" or (mark == "," and opened[-1:] == ["["])
            if in_list or mark == ":":
                filled = f"{mark}null"
            elif has_cuts:
                filled, mark = ("{}", "") if mark == "{" else ("}", "}")
            else:
                filled = "" if mark == "," else mark
            parts += text[end : token.start()], filled
            end = token.end()
        if mark in ("{", "["):
            opened.append(mark)
        elif mark in ("}", "]"):
            del opened[-1:]
    return "".join(parts) + text[end:]


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Raises ValueError after _MOST_TOKENS."""
    for number, token in enumerate(_TOKEN.finditer(text)):
        if number == _MOST_TOKENS:
            raise ValueError("It has too many parts.")
        yield token


def _is_cut(text: str) -> bool:
    """Whether closing braces are missing."""
    opened = 0
    for token in _tokens(text):
        mark = (token["gap"] or token["bracket"] or "")[:1]
        opened += (mark == "{") - (mark == "}")
    return opened > 0


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value.replace("\0", ""))
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
