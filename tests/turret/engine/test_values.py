"""Single values of trace bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.engine import values

INT64_MAX = 2**63 - 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1234.pbs", "1234.pbs"),
        (1234, "1234"),
        (2.5, "2.5"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        ([], ""),
        ({"a": 1}, ""),
        ("😀 中文 שלום", "😀 中文 שלום"),
    ],
)
def test_text(value: object, expected: str) -> None:
    assert values.text(value) == expected


def test_text_is_cut_at_its_limit() -> None:
    assert values.text("😀" * 300, 255) == "😀" * 255
    assert values.text("short", 255) == "short"
    assert values.text(12345, 3) == "123"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], ""),
        (["a/1"], "a/1"),
        (["a/1", "b", 2, None, {}], "a/1,b,2"),
        ("a/1", "a/1"),
        (None, ""),
        ({}, ""),
    ],
)
def test_lists_are_joined(value: object, expected: str) -> None:
    assert values.joined(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (-5, -5),
        (INT64_MAX, INT64_MAX),
        (-(2**63), -(2**63)),
        (2**63, None),
        (-(2**63) - 1, None),
        (10**400, None),
        ("4", 4),
        (" -4 ", -4),
        ("+4", 4),
        (str(2**63), None),
        ("9" * 5000, None),
        ("4.0", None),
        ("1_000", None),
        ("٤", None),
        ("--4", None),
        ("", None),
        (4.0, 4),
        (1.5, None),
        (1e30, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        (None, None),
        ([4], None),
        ({}, None),
    ],
)
def test_integers(value: object, expected: int | None) -> None:
    found = values.int64(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2_147_483_647, None), ("2147483647", None), ("0", 0), (None, None), (137, 137)],
)
def test_exit_statuses(value: object, expected: int | None) -> None:
    assert values.exit_status(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (6400.0, 6400.0),
        (5, 5.0),
        ("312.4", 312.4),
        ("3.1E2", 310.0),
        ("nan", None),
        ("1e400", None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_real_numbers(value: object, expected: float | None) -> None:
    assert values.real(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-08-22T10:00Z", datetime(2026, 8, 22, 10, tzinfo=UTC)),
        ("2026-08-22T10:00+02:00", datetime(2026, 8, 22, 8, tzinfo=UTC)),
        (
            "2026-08-22T10:00:05.123456789+05:30",
            datetime(2026, 8, 22, 4, 30, 5, 123456, tzinfo=UTC),
        ),
        ("2026-08-22T10:00:05.001Z", datetime(2026, 8, 22, 10, 0, 5, 1000, tzinfo=UTC)),
        # Nextflow always says the offset; PostgreSQL takes them for UTC, too.
        ("2026-08-22T10:00:05", datetime(2026, 8, 22, 10, 0, 5, tzinfo=UTC)),
        ("2026-08-22", datetime(2026, 8, 22, tzinfo=UTC)),
        # A clock that was never set, and what Python can't read back.
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-02-30T10:00Z", None),
        ("", None),
        ("garbage", None),
        (1787400004000, None),
        (None, None),
    ],
)
def test_times(value: object, expected: datetime | None) -> None:
    found = values.time(value)
    assert found == expected
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize("value", [0, 1, "true", None, []])
def test_only_truth_values_are_flags(value: object) -> None:
    assert values.flag(value) is None
    assert values.flag(True) is True
    assert values.flag(False) is False


def nested(depth: int) -> Any:
    return json.loads('{"a":' * depth + "1" + "}" * depth)


def test_json_is_kept_down_to_a_depth() -> None:
    deepest = nested(values.MAX_DEPTH)
    assert values.document(deepest) == deepest
    assert values.document(nested(values.MAX_DEPTH + 1)) is None
    assert values.document([]) == []
    assert values.document("text") == "text"


def test_only_objects_are_mappings() -> None:
    assert values.mapping({"a": 1}) == {"a": 1}
    assert values.mapping([1]) is None
    assert values.mapping(nested(900)) is None
    assert values.mappings([{"a": 1}, 5, None, {}, nested(900)]) == [{"a": 1}, {}]
    assert values.mappings({"a": 1}) == []


def test_lists_of_texts_leave_out_what_is_none() -> None:
    assert values.texts(["A:B", "", None, 5, {}, "x" * 9], 3) == ["A:B", "5", "xxx"]
    assert values.texts("A:B") == []


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
    | st.integers().map(str),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=5,
)


READERS: list[Callable[[object], Any]] = [
    values.text,
    values.joined,
    values.int64,
    values.exit_status,
    values.real,
    values.flag,
    values.time,
    values.document,
    values.mapping,
    values.mappings,
    values.texts,
]


@settings(deadline=None)
@given(anything)
def test_nothing_raises(value: object) -> None:
    for read in READERS:
        json.dumps(read(value), default=str)
