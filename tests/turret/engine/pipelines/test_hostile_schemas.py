"""Schemas that are made to do harm: they are refused, or end in time."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.turret.engine.pipelines.schemas import made
from turret.engine.pipelines import checking
from turret.engine.pipelines.checking import Unchecked
from turret.engine.pipelines.plain import problem_of
from turret.engine.pipelines.schema import BadSchema, read_schema
from turret.engine.pipelines.values import from_form, validate

TOO_LONG = "takes too long to check"
BROKEN = "can't be used"


def whole(document: dict[str, Any], **params: Any) -> dict[str, str]:
    return validate(read_schema(json.dumps(document)), params, look=None)


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["^(a+)+$", r"^(\w+\s?)*$"])
def test_a_pattern_that_explodes_is_given_up(pattern: str) -> None:
    schema = made({"x": {"type": "string", "pattern": pattern}})
    with pytest.raises(Unchecked, match=TOO_LONG):
        validate(schema, {"x": "a" * 60 + "\n-"}, look=None)


@pytest.mark.slow
def test_references_that_multiply_are_given_up() -> None:
    levels = {
        f"l{number}": {"allOf": [{"$ref": f"#/$defs/l{number + 1}"}] * 10}
        for number in range(30)
    }
    with pytest.raises(Unchecked, match=TOO_LONG):
        whole({"$defs": {**levels, "l30": {}}, "$ref": "#/$defs/l0"}, x=1)


@pytest.mark.parametrize(
    "document",
    [
        {"$ref": "#"},
        {
            "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
            "allOf": [{"$ref": "#/$defs/a"}],
        },
        {
            "definitions": {"a": {"allOf": [{"$ref": "#/definitions/a"}]}},
            "allOf": [{"$ref": "#/definitions/a"}],
        },
    ],
)
def test_references_in_a_circle_end(document: dict[str, Any]) -> None:
    with pytest.raises(Unchecked, match="refers to itself"):
        whole(document, x=1)


@pytest.mark.parametrize(
    "document",
    [
        {"allOf": [{"$ref": "#/$defs/nowhere"}]},
        {"properties": {"x": {"type": "strin"}}},
        {"properties": {"x": {"minimum": "three"}}},
        {"properties": {"y": {"pattern": "("}}},
        {"properties": {"x": 5}},
        {"properties": [1]},
        {"allOf": 5},
        {"required": 5},
    ],
)
def test_a_schema_that_is_none_is_named_as_the_fault(document: dict[str, Any]) -> None:
    with pytest.raises(Unchecked, match=BROKEN):
        whole(document, x=1, y="1")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


@pytest.mark.parametrize("keyword", ["$id", "$schema"])
def test_nothing_is_fetched(listener: socket.socket, keyword: str) -> None:
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/schema.json"
    # Read as a part of the one at the address, which is another one.
    inner = {keyword: address, "properties": {"x": {"$ref": "#/$defs/a"}}}
    with suppress(Unchecked):
        whole({"properties": {"y": inner}, "allOf": [inner]}, x=1, y={"x": 1})
    with pytest.raises(TimeoutError):
        listener.accept()


def test_many_errors_are_cut() -> None:
    schema = made({f"p{number}": {"type": "integer"} for number in range(1_000)})
    wrong = validate(schema, {f"p{number}": "x" for number in range(1_000)}, look=None)
    assert len(wrong) == checking.MOST_PROBLEMS


WORDS = st.sampled_from(
    [
        *("$defs", "definitions", "properties", "required", "allOf", "$ref", "a", "b"),
        *("#/$defs/a", "type", "string", "integer", "array", "default", "enum"),
        *("hidden", "exists", "minimum", "const", "title", "help_text", "~1", "%zz"),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(WORDS | st.text(), inner),
)


@settings(deadline=None)
@given(st.dictionaries(WORDS, ANYTHING), st.text())
def test_a_schema_of_anything_is_read_or_refused(
    document: dict[str, Any], text: str
) -> None:
    try:
        schema = read_schema(json.dumps(document))
    except BadSchema:
        return
    params = from_form(schema, dict.fromkeys(schema.params, text))
    assert set(params) <= set(schema.params)
    assert all(not problem_of(param.default) for param in schema.params.values())
