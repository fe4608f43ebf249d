from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.turret.engine.pipelines.schemas import DRAFT_07, made, rnaseq
from turret.engine.pipelines.schema import Schema, read_schema
from turret.engine.pipelines.values import ALL, from_form, validate


def checked(schema: Schema, **params: Any) -> dict[str, str]:
    return validate(schema, params, look=None)


def test_values_that_a_real_pipeline_takes() -> None:
    good = {
        "input": "/data/sheet.csv",
        "outdir": "/data/results",
        "aligner": "hisat2",
        "skip_fastqc": True,
        "min_trimmed_reads": 100,
        "genome": None,
    }
    assert checked(rnaseq(), **good) == {}


def test_each_wrong_value_has_a_message_in_plain_english() -> None:
    wrong = checked(
        rnaseq(),
        input="sheet of mine.csv",
        aligner="bwa",
        skip_fastqc="no",
        min_trimmed_reads="many",
        trimmer=["fastp"],
    )
    assert wrong == {
        "outdir": "is required",
        "input": "The input must be a valid CSV file path with no spaces, ending in "
        "'.csv', and must exist.",
        "aligner": "must be one of: star_salmon, star_rsem, hisat2, bowtie2_salmon",
        "skip_fastqc": "must be true or false",
        "min_trimmed_reads": "must be a whole number",
        "trimmer": "must be text",
    }


@pytest.mark.parametrize(
    ("details", "value", "message"),
    [
        ({"minimum": 1}, 0, "must be at least 1"),
        ({"maximum": 0.5}, 0.6, "must be at most 0.5"),
        ({"exclusiveMinimum": 1}, 1, "must be more than 1"),
        ({"exclusiveMaximum": 1}, 1, "must be less than 1"),
        ({"multipleOf": 5}, 7, "must be a multiple of 5"),
        ({"type": "number"}, "1", "must be a number"),
        ({"type": ["boolean", "string"]}, 1, "must be true or false or text"),
        ({"type": "array"}, {}, "must be a list"),
        ({"type": "object"}, [], "must be a map of names to values"),
        ({"enum": [1, True, "x"]}, 2, "must be one of: 1, true, x"),
        ({"const": "x"}, "y", "must be x"),
        ({"minLength": 1}, "", "must not be empty"),
        ({"minLength": 3}, "ab", "must have at least 3 characters"),
        ({"maxLength": 1}, "ab", "must have at most 1 characters"),
        ({"pattern": "^a+$"}, "b", "must be like ^a+$"),
        ({"pattern": "^a+$", "errorMessage": "only a"}, "b", "only a"),
        ({"minimum": 1, "errorMessage": "big"}, 0, "must be at least 1"),
        ({"format": "email"}, "nobody", "must be a valid email"),
        ({"format": "file-path"}, "/anything", None),
        ({"minItems": 2}, [1], "must have at least 2 items"),
        ({"uniqueItems": True}, [1, 1], "must not have the same item twice"),
        ({"items": {"type": "integer"}}, [1, "x"], "1 must be a whole number"),
        (
            {"properties": {"a": {"maximum": 1}}, "required": ["b"]},
            {"a": 2},
            "a must be at most 1",
        ),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"z": 2},
            "z is not known to the pipeline",
        ),
        ({"not": {}}, 1, "is not as the pipeline needs it"),
        ({"anyOf": [{"type": "null"}], "errorMessage": "<b>no</b>"}, 1, "<b>no</b>"),
    ],
)
def test_messages(details: dict[str, Any], value: Any, message: str | None) -> None:
    wrong = checked(made({"x": details}), x=value)
    assert wrong == ({"x": message} if message else {})


def test_a_long_list_of_choices_is_cut() -> None:
    [message] = checked(made({"x": {"enum": list(range(50))}}), x="y").values()
    assert message.endswith("18, 19 and 30 more")


def test_the_older_dialect_is_checked_by_its_own_rules() -> None:
    # Draft-07 has lists of items where 2020-12 has prefixItems.
    group = {"properties": {"x": {"items": [{"type": "integer"}]}}}
    document = {
        "definitions": {"a": group},
        "allOf": [{"$ref": "#/definitions/a"}],
    }
    message = {"x": "0 must be a whole number"}
    assert checked(read_schema(json.dumps(document)), x=["a"]) == message
    document["$schema"] = DRAFT_07
    assert checked(read_schema(json.dumps(document)), x=["a"]) == message


def test_what_has_a_default_or_is_set_elsewhere_is_not_required() -> None:
    schema = made({"a": {"default": "x"}, "b": {}, "c": {}}, required=("a", "b", "c"))
    assert validate(schema, {"a": None}, look=None, settled=["b"]) == {
        "c": "is required"
    }


def test_what_a_parameter_requires_is_named() -> None:
    schema = made({"a": {}, "b": {}}, dependentRequired={"a": ["b"]})
    assert checked(schema, a=1) == {"b": "is required"}
    assert checked(schema, b=1) == {}


def test_unknown_parameters_are_let_through() -> None:
    assert checked(rnaseq(), input="a.csv", outdir="x", mine=1) == {}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("file-path", "there is no such file"),
        ("directory-path", "there is no such directory"),
        ("path", "there is no such file or directory"),
    ],
)
def test_paths_that_must_exist_are_looked_for(
    tmp_path: Path, kind: str, message: str
) -> None:
    details = {"type": "string", "format": kind, "exists": True}
    schema = made({"a": details, "b": details, "c": details, "d": {"type": "string"}})
    values = {
        "a": str(tmp_path),
        "b": str(tmp_path / "none"),
        "c": "s3://bucket/none",
        "d": "/none",
    }
    look = lambda path: Path(path).exists()  # noqa: E731
    assert validate(schema, values, look=look) == {"b": message}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\0b", "holds the character NUL"),
        ("\ud800", "holds half a character (a lone surrogate)"),
        (float("nan"), "holds a number that is not finite"),
        ({"a": {1, 2}}, "holds a set, which JSON does not know"),
        ({1: "x"}, "holds a name that is no text: 1"),
        ({"a\0": "x"}, "holds the character NUL"),
        ("x" * 10_000_000, "is too long: all parameters may have 500,000 bytes"),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("schema", [None, made({"x": {"type": "string"}})])
def test_what_can_not_be_kept_is_refused(
    schema: Schema | None, value: Any, message: str
) -> None:
    assert validate(schema, {"x": value, "y": 1}, look=None) == {"x": message}


def test_a_value_that_is_nested_deeply_is_refused() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    assert validate(None, {"x": value}, look=None) == {"x": "is nested too deeply"}


@pytest.mark.parametrize("name", ["a\0", "x" * 201, "\udfff"])
def test_names_that_can_not_be_kept_are_refused(name: str) -> None:
    assert set(validate(None, {name: 1}, look=None)) == {ALL}


@pytest.mark.parametrize(
    "value", ["two\nlines", 'it\'s "quoted"', "$(touch x) `x` ; & |", "--help", "ä€😀"]
)
def test_any_other_text_is_a_value(value: str) -> None:
    assert checked(made({"x": {"type": "string"}}), x=value) == {}


def test_a_form_gives_what_its_texts_stand_for() -> None:
    schema = made(
        {
            "text": {"type": "string"},
            "path": {"type": "string", "format": "file-path"},
            "count": {"type": "integer"},
            "share": {"type": "number"},
            "whole": {"type": "number"},
            "switch": {"type": "boolean"},
            "list": {"type": "array"},
            "map": {"type": "object"},
            "level": {"type": "integer", "enum": [1, 2]},
            "either": {"type": ["boolean", "string"]},
            "word": {"type": ["boolean", "string"]},
        }
    )
    data = {
        "text": " as it is ",
        "path": " /data/a.csv\n",
        "count": " 12 ",
        "share": "1e-3",
        "whole": "3",
        "switch": "on",
        "list": '["a", 1]',
        "map": '{"a": 1}',
        "level": "2",
        "either": "true",
        "word": "yes",
        "unknown": "x",
    }
    assert from_form(schema, data) == {
        "text": " as it is ",
        "path": "/data/a.csv",
        "count": 12,
        "share": 0.001,
        "whole": 3,
        "switch": True,
        "list": ["a", 1],
        "map": {"a": 1},
        "level": 2,
        "either": True,
        "word": "yes",
    }


def test_a_form_leaves_out_what_says_nothing() -> None:
    schema = made(
        {
            "empty": {"type": "string"},
            "same": {"type": "string", "default": "x"},
            "emptied": {"type": "string", "default": "x"},
            "off": {"type": "boolean"},
            "off_too": {"type": "boolean", "default": False},
            "on": {"type": "boolean", "default": True},
            "turned_off": {"type": "boolean", "default": True},
            "not_shown": {"type": "boolean", "default": True},
            "same_number": {"type": "integer", "default": 5},
        }
    )
    data = {
        "empty": "  ",
        "same": "x",
        "emptied": "",
        "off": "false",
        "off_too": "",
        "on": "true",
        "turned_off": "false",
        "same_number": "5",
    }
    assert from_form(schema, data) == {"emptied": None, "turned_off": False}


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("integer", "many", "must be a whole number"),
        ("integer", "1.5", "must be a whole number"),
        ("integer", "9" * 5_000, "must be a whole number"),
        ("number", "0x10", "must be a number"),
        ("number", "nan", "must be a number"),
        ("number", "1e999", "holds a number that is not finite"),
        ("boolean", "maybe", "must be true or false"),
        ("array", "a, b", "must be a list"),
        ("array", "[" * 100_000, "must be a list"),
        ("object", "[1]", "must be a map of names to values"),
    ],
    ids=lambda text: text[:20],
)
def test_a_text_of_another_type_is_left_for_the_check(
    kind: str, text: str, message: str
) -> None:
    schema = made({"x": {"type": kind}})
    assert validate(schema, from_form(schema, {"x": text}), look=None) == {"x": message}
