from __future__ import annotations

import datetime as dt

import pytest

from seqhub.lib.units import (
    counted,
    format_bytes,
    format_duration,
    format_since,
    parse_duration,
)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 files"), (1, "1 file"), (5005, "5,005 files")]
)
def test_things_are_counted(number: int, words: str) -> None:
    assert counted(number, "file") == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1.25 * 2**30, "1.2 GiB"),
        (318 * 2**20, "318 MiB"),
        (3 * 2**60, "3072 PiB"),
    ],
)
def test_sizes_are_binary(size: float, words: str) -> None:
    assert format_bytes(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (41 * 60, "41 min"),
        (8040, "2 h 14 min"),
        (3 * 86_400 + 4 * 3600 + 59, "3 d 4 h"),
        (2 * 86_400 + 300, "2 d"),
        (400 * 86_400, "1 y 35 d"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (12, "12 s ago"), (8040, "2 h ago"), (-300, "in 5 min")],
)
def test_times_are_relative(seconds: int, words: str) -> None:
    now = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
    assert format_since(now - dt.timedelta(seconds=seconds), now) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30min", 1800), ("1.5 h", 5400), (" 2d ", 172_800), ("0s", 0)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "2 weeks", "nans", "1e9d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as"):
        parse_duration(text)
