from __future__ import annotations

import json
from typing import Any

import pytest

from tests.turret.engine.pipelines.schemas import (
    DRAFT_07,
    DRAFT_2020_12,
    made,
    rnaseq,
)
from turret.engine.pipelines.schema import BadSchema, Param, read_schema


def param(details: dict[str, Any]) -> Param:
    return made({"x": details}).params["x"]


def test_a_real_schema_is_read_in_its_order() -> None:
    schema = rnaseq()
    assert len(schema.params) == 133
    assert [group.name for group in schema.groups][:3] == [
        "input_output_options",
        "reference_genome_options",
        "read_trimming_options",
    ]
    first = schema.groups[0]
    assert first.title == "Input/output options"
    assert [item.key for item in first.params] == [
        "input",
        "outdir",
        "email",
        "multiqc_title",
    ]


def test_all_of_a_parameter_is_kept() -> None:
    params = rnaseq().params
    sheet = params["input"]
    assert (sheet.type, sheet.required, sheet.exists) == ("string", True, True)
    assert (sheet.format, sheet.mimetype) == ("file-path", "text/csv")
    assert sheet.schema == "assets/schema_input.json"
    assert sheet.pattern == r"^\S+\.csv$"
    assert sheet.group == "input_output_options"
    assert "samplesheet" in sheet.help_text
    aligner = params["aligner"]
    assert aligner.default == "star_salmon"
    assert aligner.choices == ("star_salmon", "star_rsem", "hisat2", "bowtie2_salmon")
    assert not aligner.required
    assert params["publish_dir_mode"].hidden
    bounded = next(item for item in params.values() if item.maximum is not None)
    assert (bounded.minimum, bounded.maximum) == (0.5, 1)


@pytest.mark.parametrize(
    ("dialect", "place"), [(DRAFT_07, "definitions"), (DRAFT_2020_12, "$defs")]
)
def test_both_dialects_are_read_alike(dialect: str, place: str) -> None:
    groups = {
        "second": {"title": "Two", "properties": {"b": {"type": "integer"}}},
        "first": {
            "title": "One",
            "required": ["a"],
            "properties": {"a": {"type": "string"}},
        },
        "unused": {"properties": {"c": {"type": "string"}}},
    }
    document = {
        "$schema": dialect,
        place: groups,
        "allOf": [{"$ref": f"#/{place}/{name}"} for name in ("first", "second")],
        "properties": {"d": {"type": "number"}},
        "required": ["d"],
    }
    schema = read_schema(json.dumps(document))
    found = [
        (group.title, [item.key for item in group.params]) for group in schema.groups
    ]
    assert found == [("One", ["a"]), ("Two", ["b"]), ("Other parameters", ["d"])]
    assert [item.required for item in schema.params.values()] == [True, False, True]


def test_groups_that_are_not_listed_are_shown_if_none_is() -> None:
    document = {"definitions": {"a_b": {"properties": {"x": {"type": "string"}}}}}
    [group] = read_schema(json.dumps(document)).groups
    assert group.title == "a b"


def test_a_parameter_of_two_groups_stands_in_the_first() -> None:
    group = {"properties": {"x": {"type": "string"}}}
    document = {"$defs": {"a": group, "b": group}}
    assert [item.name for item in read_schema(json.dumps(document)).groups] == ["a"]


@pytest.mark.parametrize(
    ("details", "shown", "types"),
    [
        ({"type": "integer"}, "integer", ("integer",)),
        ({"type": ["boolean", "string"]}, "string", ("string", "boolean")),
        ({"type": ["integer", "null"]}, "integer", ("integer",)),
        ({"type": "nonsense"}, "string", ("string",)),
        ({"default": 3}, "integer", ("integer",)),
        ({}, "string", ("string",)),
        ({"type": {"a": 1}}, "string", ("string",)),
    ],
)
def test_a_type_is_found(
    details: dict[str, Any], shown: str, types: tuple[str, ...]
) -> None:
    found = param(details)
    assert (found.type, found.types) == (shown, types)


@pytest.mark.parametrize(
    ("kind", "default", "kept"),
    [
        ("integer", 5, 5),
        ("integer", "5", 5),
        ("integer", 5.0, 5),
        ("integer", "five", None),
        ("integer", True, None),
        ("integer", [1], None),
        ("number", 3, 3),
        ("number", "0.5", 0.5),
        ("boolean", "false", False),
        ("boolean", "maybe", None),
        ("string", 12, "12"),
        ("string", False, "false"),
        ("string", None, None),
        ("array", "[1, 2]", [1, 2]),
        ("object", [1], None),
    ],
)
def test_a_default_of_another_type_is_mended_or_left_out(
    kind: str, default: Any, kept: Any
) -> None:
    found = param({"type": kind, "default": default}).default
    assert found == kept
    assert type(found) is type(kept)


def test_markup_stays_text() -> None:
    markup = "<script>alert(1)</script> [x](javascript:alert(1)) **bold** \"'"
    found = param({"description": markup, "help_text": markup})
    assert found.help_text == found.description == markup


def test_texts_are_cut() -> None:
    assert len(param({"help_text": "x" * 100_000}).help_text) == 20_000


@pytest.mark.parametrize(
    "details",
    [
        {"help_text": {"a": 1}, "description": None, "hidden": "yes", "exists": 1},
        {"enum": "abc", "minimum": "3", "maximum": [], "pattern": 5, "format": {}},
    ],
)
def test_details_of_other_types_are_left_out(details: dict[str, Any]) -> None:
    found = param({"type": "string", **details})
    assert not found.hidden
    assert not found.exists
    assert found.choices == ()
    assert found.minimum is None
    assert found.help_text == found.format == ""


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"properties": []},
        {"properties": {"x": True}},
        {"$defs": {"a": 5}, "allOf": [{"$ref": "#/$defs/a"}]},
        {"$defs": [], "allOf": {"a": 1}},
        {"allOf": [5, None, {"$ref": 5}, {"$ref": "#/$defs/nowhere"}]},
        {"$defs": {"a": {"properties": 7, "required": 8}}},
    ],
)
def test_a_schema_without_parameters_is_empty(document: Any) -> None:
    assert read_schema(json.dumps(document)).groups == ()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "is not JSON"),
        ("<html>404</html>", "is not JSON"),
        ('{"a": 1,\n}', "line 2, column 1"),
        ("[1, 2]", "is not a JSON object"),
        ('"text"', "is not a JSON object"),
        ("null", "is not a JSON object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "not finite"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"\\ud800": 1}', "half a character"),
        ('{"a": ' * 100 + "1" + "}" * 100, "nested too deeply"),
        ('{"a": ' * 1_000 + "1" + "}" * 1_000, "nested too deeply"),
        ('{"a": ' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ('{"a": "' + "x" * 10_000_000 + '"}', "has more than 1,000,000 characters"),
        ('{"$ref": "https://example.org/x.json"}', "nothing is fetched"),
        ('{"$ref": "file:///etc/passwd"}', "nothing is fetched"),
        ('{"properties": {"x": {"$ref": "other.json#/a"}}}', "nothing is fetched"),
        ('{"$dynamicRef": "http://127.0.0.1/x"}', "nothing is fetched"),
    ],
    ids=str.__len__,
)
def test_what_no_form_can_be_made_of_is_refused(source: str, words: str) -> None:
    with pytest.raises(BadSchema, match=words) as refusal:
        read_schema(source)
    assert str(refusal.value).startswith("nextflow_schema.json ")


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(BadSchema, match="more than 2,000 parameters"):
        made({f"p{number}": {} for number in range(2_001)})
