"""From the bytes of a sample sheet to its sections, whatever wrote it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from runfolders.engine.facts import Problem

MAX_LINES = 20_000
MAX_LINE_LENGTH = 10_000

# NUL, backspace and their like; tab, line feed and carriage return are not here.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SECTION = re.compile(r"\[([^\]]*)\]?")


@dataclass(frozen=True, slots=True)
class Row:
    """One line that holds something: its cells without outer blanks."""

    line: int  # 1-based
    cells: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.cells[0]

    @property
    def value(self) -> str:
        return self.cells[1] if len(self.cells) > 1 else ""


@dataclass(frozen=True, slots=True)
class Section:
    name: str  # as `folded` gives it; "" for what stands before the first one
    line: int
    rows: list[Row] = field(default_factory=list)


def folded(name: str) -> str:
    """A section's or column's name without case, blanks, `_` and `-`."""
    return re.sub(r"[\s_-]", "", name).lower()


def decode(content: bytes) -> tuple[str, str]:
    """The text and the encoding that fits: UTF-8 (or its BOM), else cp1252, latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    elif content.startswith(b"\xef\xbb\xbf"):
        candidates = ["utf-8-sig"]
    else:
        candidates = ["utf-8"]
    for encoding in (*candidates, "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), "latin-1"


def split_sections(text: str, problems: list[Problem]) -> dict[str, Section]:
    """The sections by folded name, each with its rows; a repeated one goes on."""
    sections = {"": Section("", 1)}
    current = sections[""]
    for row in _rows(text, problems):
        heading = _SECTION.match(row.key)
        if heading is None:
            current.rows.append(row)
            continue
        name = folded(heading[1])
        if name in sections:
            message = f"Section [{heading[1]}] is there more than once."
            problems.append(Problem("repeated_section", message, row.line))
        current = sections.setdefault(name, Section(name, row.line))
    return sections


def _rows(text: str, problems: list[Problem]) -> Iterator[Row]:
    lines = _LINE_END.split(text, maxsplit=MAX_LINES)
    if len(lines) > MAX_LINES and lines.pop():
        message = f"More than {MAX_LINES} lines: the rest is not read."
        problems.append(Problem("too_many_lines", message, MAX_LINES))
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_LENGTH:
            message = f"Longer than {MAX_LINE_LENGTH} characters, left out."
            problems.append(Problem("line_too_long", message, number))
            continue
        cleaned = _CONTROL.sub("", line)
        if cleaned != line:
            message = "Control characters, left out."
            problems.append(Problem("control_characters", message, number))
        cells = _cells(cleaned, number, problems)
        if any(cells):
            yield Row(number, cells)


def _cells(line: str, number: int, problems: list[Problem]) -> tuple[str, ...]:
    # Line by line: no value of a sample sheet spans lines, but one forgotten quote
    # would swallow the rest of the file.
    if line.count('"') % 2:
        message = 'A quote (") is not closed.'
        problems.append(Problem("unclosed_quote", message, number))
    # A line is shorter than csv's limit of a field, its only error when not strict.
    return tuple(cell.strip() for cell in next(csv.reader([line]), []))
