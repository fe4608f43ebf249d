"""Recorded bodies with parts that went wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.turret.engine.recorded import everything
from turret.engine.records import JsonObject

DEEP = json.loads("[" * 300 + "]" * 300)
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    4.0,
    1.5,
    1e30,
    6400.0,
    2**31,
    2**63,
    -(2**63) - 1,
    10**400,
    2_147_483_647,
    float("nan"),
    float("inf"),
    "",
    "4",
    "9" * 30,
    "garbage",
    "null",
    "\0",
    "a\0b",
    "\ud83d",
    "😀",
    "x" * 1000,
    "2026-08-22T10:00Z",
    "2026-08-22T10:00:05.123456789+05:30",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "STORED",
    [],
    {},
    ["a", None, 5, {"b": 1}],
    {"a": {"b": "\0\ud83d"}, "\0": 10**30},
    DEEP,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in `value` something is, down to what tasks and processes hold."""
    if len(path) == 4:
        return
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    else:
        return
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def bodies(draw: st.DrawFn, *verbs: str) -> JsonObject:
    """A body of one of these calls, as sent (not cleaned), a few parts replaced,
    gone or doubled."""
    known = [call for call in everything() if call.verb in verbs]
    body: JsonObject = copy.deepcopy(draw(st.sampled_from(known)).body)
    for _ in range(draw(st.integers(0, 5))):
        paths = list(places(body))
        if not paths:
            break
        *above, key = draw(st.sampled_from(paths))
        holder: Any = body
        for step in above:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "replace", "drop", "double"])):
            case "replace":
                holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case "drop":
                del holder[key]
            case _ if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[f"{key}\0"] = holder[key]
    return body


def raw(body: JsonObject) -> bytes:
    """As Nextflow sends it, but for NaN, which it would leave out."""
    return json.dumps(body).encode()
