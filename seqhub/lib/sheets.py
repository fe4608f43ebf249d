"""CSV that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator


class _Echo:
    """A file that gives back what is written, for csv."""

    def write(self, line: str) -> str:
        return line


def csv_lines(
    columns: Iterable[str], rows: Iterable[Iterable[object]]
) -> Iterator[str]:
    """The heading and a line a row, to be streamed; None is an empty cell."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([harmless(value) for value in row])


def harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    Names come from files and clients: `=HYPERLINK(...)` must stay text.
    """
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
