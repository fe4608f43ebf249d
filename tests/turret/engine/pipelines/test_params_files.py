from __future__ import annotations

from typing import Any

import pytest

from turret.engine.pipelines.values import BadParams, read_params_file


def test_json_is_read() -> None:
    raw = b'\xef\xbb\xbf{"input": "a.csv", "n": 1, "deep": {"list": [null, true]}}'
    assert read_params_file(raw, "params.JSON") == {
        "input": "a.csv",
        "n": 1,
        "deep": {"list": [None, True]},
    }


def test_yaml_is_read() -> None:
    raw = b"""
# a comment
input: a.csv
count: 12
share: 0.5
small: 1.0e-3
skip: true
old: yes
nothing: null
names: [a, "b"]
deep:
  text: |
    two
    lines
"""
    assert read_params_file(raw, "params.yml") == {
        "input": "a.csv",
        "count": 12,
        "share": 0.5,
        "small": 0.001,
        "skip": True,
        "old": True,
        "nothing": None,
        "names": ["a", "b"],
        "deep": {"text": "two\nlines\n"},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31 10:00:00", "2024-01-31 10:00:00"),
        ("1:30:00", "1:30:00"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("-7", -7),
        ("+.5", 0.5),
        ("240131_VH00384", "240131_VH00384"),
    ],
)
def test_what_looks_like_a_number_or_a_date_is_not_changed(
    text: str, value: Any
) -> None:
    found = read_params_file(f"x: {text}".encode(), "p.yaml")["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no names with values"),
        (b"just text", "no names with values"),
        (b"- a\n- b\n", "no names with values"),
        (b"a: [1, 2", "is not YAML: .* \\(line 1"),
        (b"a: b\n c: d", "line 2"),
        (b"a: \xff", "not UTF-8"),
        (b'a: "\\0"', "NUL"),
        (b"a: \0", "is not YAML"),
        (b"1: a", "a name that is no text: 1"),
        (b"a: &x [1]\nb: *x", "references are not accepted \\(line 2, column 4"),
        (b"a: &x {b: 1}\nc:\n  <<: *x", "references are not accepted"),
        (b"a: !!python/object/apply:os.system ['true']", "tags are not accepted"),
        (b"a: !!binary aGk=", "tags are not accepted"),
        (b"a: !!int '1'", "tags are not accepted"),
        (b"--- {a: 1}\n--- {b: 1}", "is not YAML"),
        (b"{[1]: 2}", "is not YAML"),
        (b"a: " + b"[" * 100 + b"]" * 100, "nested too deeply"),
        (b"a: " + b"[" * 100_000, "nested too deeply"),
        (b"a: " + b"x" * 10_000_000, "more than 500,000 bytes"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_yaml_of_parameters_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(BadParams, match=words) as refusal:
        read_params_file(raw, "p.yml")
    assert str(refusal.value).startswith("p.yml ")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is not JSON"),
        (b"[1]", "no names with values"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": 1,}', "line 1"),
        (b'{"a":' * 2_000, "nested too deeply"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_json_of_parameters_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(BadParams, match=words):
        read_params_file(raw, "p.json")
