"""Sample sheets of pipelines: CSV (or TSV) with a header, held against the schema that
the pipeline's parameter names.

That schema (nf-core's `assets/schema_input.json`) is of a list of objects, one a row;
an empty cell is a value that is not given, as nf-schema has it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from typing import Any

from turret.engine.pipelines import checking, plain
from turret.engine.pipelines.schema import BadSchema, read_document
from turret.engine.pipelines.types import typed, types_of
from turret.engine.pipelines.values import missing_file
from turret.engine.values import texts

MOST_BYTES = 2_000_000
MOST_ROWS = 20_000
MOST_MESSAGES = 50
# Ten thousand rows take 3 s.
CPU_S = 10


class _Unreadable(Exception):
    """The message is what a person reads."""


def check_samplesheet(
    schema_text: str, raw: bytes, *, look: Callable[[str], bool] | None = None
) -> list[str]:
    """What is wrong with a sheet, a sentence each, in the order of its lines; at most
    `MOST_MESSAGES`. `look` says whether a path is there. Never raises."""
    try:
        schema = read_document(schema_text, "the schema of the sample sheet")
        columns = _columns_of(schema)
        rows = list(
            _rows(_text_of(raw), columns, texts(schema["items"].get("required")))
        )
        found = list(checking.problems(schema, [[row for _, row in rows]], cpu_s=CPU_S))
    except (BadSchema, _Unreadable, checking.Unchecked) as error:
        return [str(error)]
    if not rows:
        return ["The sheet has nothing below its header."]
    told = [_told(problem, [line for line, _ in rows]) for problem in found]
    if look is not None:
        told += _not_there(rows, columns, look)
    told.sort(key=lambda item: item[0])
    messages = list(dict.fromkeys(message for _, message in told))
    if len(messages) > MOST_MESSAGES:
        messages[MOST_MESSAGES:] = ["There is more like that."]
    return messages


def _columns_of(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the schema says of each column."""
    of_row = schema.get("items")
    columns = of_row.get("properties") if isinstance(of_row, dict) else None
    if not isinstance(columns, dict):
        raise _Unreadable("The schema of the sample sheet describes no columns.")
    return {name: said for name, said in columns.items() if isinstance(said, dict)}


def _text_of(raw: bytes) -> str:
    if len(raw) > MOST_BYTES:
        raise _Unreadable(f"The sheet has more than {MOST_BYTES:,} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable(
            "The sheet is not UTF-8 text: save it as CSV UTF-8."
        ) from None
    if "\0" in text:
        raise _Unreadable("The sheet is not text: save it as CSV.")
    return text


def _rows(
    text: str, columns: Mapping[str, Mapping[str, Any]], needed: list[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number of its last line, and values of each row that is not empty."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter_of(text))
    header: list[str] = []
    try:
        for cells in map(_stripped, reader):
            if not any(cells):
                continue
            if not header:
                header = _header(cells, columns, needed)
                continue
            if any(cells[len(header) :]):
                raise _Unreadable(
                    f"Line {reader.line_num} has {len(cells)} cells, the header has "
                    f"{len(header)}."
                )
            if reader.line_num > MOST_ROWS:
                raise _Unreadable(f"The sheet has more than {MOST_ROWS:,} lines.")
            yield reader.line_num, _row(header, cells, columns)
    except csv.Error as error:
        raise _Unreadable(f"Line {reader.line_num}: {error}.") from None
    if not header:
        raise _Unreadable("The sheet is empty.")


def _delimiter_of(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    if "," not in first and "\t" in first:
        return "\t"
    if "," not in first and ";" in first:
        raise _Unreadable("The columns are divided by `;`: save it with commas.")
    return ","


def _stripped(cells: list[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _header(
    cells: list[str], columns: Mapping[str, Mapping[str, Any]], needed: list[str]
) -> list[str]:
    while not cells[-1]:
        cells.pop()
    for name in cells:
        if problem := plain.problem_of_name(name):
            raise _Unreadable(f"The header {problem}.")
        if name and cells.count(name) > 1:
            raise _Unreadable(f"The column {name} is there twice.")
    if not set(cells) & set(columns):
        raise _Unreadable(
            "The first line names none of the columns that the pipeline knows: "
            f"{', '.join(columns)}."
        )
    if missing := [name for name in needed if name not in cells]:
        raise _Unreadable(f"These columns are missing: {', '.join(missing)}.")
    return cells


def _row(
    header: list[str], cells: list[str], columns: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        name: typed(cell, types_of(columns[name])) if name in columns else cell
        for name, cell in zip(header, cells, strict=False)
        if name and cell
    }


def _told(problem: checking.Problem, lines: list[int]) -> tuple[int, str]:
    """The line and the message; line 0 is the sheet."""
    match problem.path:
        case (int(row), name, *_):
            return lines[row], f"Line {lines[row]}, {name}: {problem.message}"
        case (int(row),):
            return lines[row], f"Line {lines[row]}: {problem.message}"
        case _:
            return 0, f"The sheet {problem.message}"


def _not_there(
    rows: list[tuple[int, dict[str, Any]]],
    columns: Mapping[str, Mapping[str, Any]],
    look: Callable[[str], bool],
) -> Iterator[tuple[int, str]]:
    needed = {
        name: str(said.get("format"))
        for name, said in columns.items()
        if said.get("exists") is True
    }
    for line, row in rows:
        for name, kind in needed.items():
            if message := missing_file(row.get(name), kind, look):
                yield line, f"Line {line}, {name}: {message}"
