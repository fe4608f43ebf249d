from __future__ import annotations

import csv
import io

import pytest

from seqhub.lib.sheets import csv_lines


def test_what_is_written_is_read_back() -> None:
    text = "".join(csv_lines(("a", "b"), [(1, None), ('x,"y"\nz', -2.5)]))
    assert list(csv.reader(io.StringIO(text))) == [
        ["a", "b"],
        ["1", ""],
        ['x,"y"\nz', "-2.5"],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    text = "".join(csv_lines((), [[f"{start}HYPERLINK(1)"]]))
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == [
        f"'{start}HYPERLINK(1)"
    ]
