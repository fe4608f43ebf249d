"""Illumina sample sheets: v1 (bcl2fastq), v2 (BCL Convert) and CASAVA's.

The data section decides the dialect, not the version keys: sheets of either kind
claim to be of the other. What a sheet says wrongly is a Problem, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from runfolders.engine.facts import (
    FileStat,
    Listing,
    Problem,
    SampleSheet,
    SheetSample,
    Unreadable,
)
from runfolders.engine.files import read_regular

from .lines import Row, Section, decode, folded, split_sections

MAX_BYTES = 5_000_000
MAX_PROBLEMS = 200
MAX_VALUE_LENGTH = 200

V1, V2, CASAVA = "v1", "v2", "casava"

# Names of columns that mean the same, folded.
_COLUMNS = {
    "sampleid": "sample_id",
    "samplename": "name",
    "sampleproject": "project",
    "project": "project",
    "lane": "lane",
    "index": "index",
    "index2": "index2",
    "overridecycles": "override_cycles",
}
_CASAVA_COLUMNS = {"fcid", "lane", "sampleid"}
_SETTINGS = {V1: "settings", V2: "bclconvertsettings", CASAVA: ""}


def is_sample_sheet_name(name: str) -> bool:
    """Does a sample sheet have such a name: `SampleSheet_v2.csv`?"""
    return name.lower().endswith(".csv") and folded(name).startswith("samplesheet")


def find_sample_sheets(listing: Listing) -> tuple[FileStat, ...]:
    """The sample sheets at the top level of a run folder, best first.

    SampleSheet.csv, then other names that say so, then `<flow cell>.csv`.
    """

    def rank(name: str) -> int | None:
        if name == "samplesheet.csv":
            return 0
        if is_sample_sheet_name(name):
            return 1
        stem = name.removesuffix(".csv")
        is_flow_cell = stem != name and re.search(
            rf"_[ab]?{re.escape(stem)}(_|$)", listing.path.name.lower()
        )
        return 2 if is_flow_cell else None

    ranked = [
        (rank_of_name, name)
        for name in listing.files
        if (rank_of_name := rank(name)) is not None
    ]
    return tuple(listing.files[name] for _, name in sorted(ranked))


def read_sample_sheet(path: Path) -> SampleSheet:
    """The sheet at `path`, of at most 5 MB and 20,000 lines. Never raises.

    A sheet that can't be read at all has the problem `sample_sheet_unreadable`.
    """
    try:
        content = read_regular(path, MAX_BYTES)
    except Unreadable as error:
        problem = Problem("sample_sheet_unreadable", str(error))
        return SampleSheet(path.name, dialect="", encoding="", problems=(problem,))
    text, encoding = decode(content)
    problems: list[Problem] = []
    if not encoding.startswith("utf-8"):
        problems.append(Problem("not_utf8", f"Not UTF-8: read as {encoding}."))
    sections = split_sections(text, problems)
    dialect, data = _data_section(sections, problems)
    return SampleSheet(
        name=path.name,
        dialect=dialect,
        encoding=encoding,
        samples=_samples(data, problems) if data else (),
        header=_pairs(sections.get("header")),
        settings=_pairs(sections.get(_SETTINGS.get(dialect, ""))) if dialect else {},
        problems=bounded(problems),
    )


def bounded(problems: list[Problem]) -> tuple[Problem, ...]:
    """At most MAX_PROBLEMS of them; a last one tells how many there are more."""
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    more = len(problems) - MAX_PROBLEMS
    rest = Problem("more_problems", f"And {more} more problems.")
    return (*problems[:MAX_PROBLEMS], rest)


def _data_section(
    sections: Mapping[str, Section], problems: list[Problem]
) -> tuple[str, Section | None]:
    v1, v2 = sections.get("data"), sections.get("bclconvertdata")
    if v1 and v2:
        message = "Both [Data] and [BCLConvert_Data]: the latter is read."
        problems.append(Problem("two_data_sections", message, v1.line))
    if v2:
        return V2, v2
    if v1:
        return V1, v1
    loose = sections[""]
    if loose.rows and {folded(cell) for cell in loose.rows[0].cells} >= _CASAVA_COLUMNS:
        return CASAVA, loose
    message = "No list of samples: neither [Data] nor [BCLConvert_Data]."
    problems.append(Problem("no_data_section", message))
    return "", None


def _pairs(section: Section | None) -> dict[str, str]:
    """Keys and values; of a repeated key the last one, as Illumina's tools do."""
    return {row.key: row.value for row in section.rows} if section else {}


def _samples(data: Section, problems: list[Problem]) -> tuple[SheetSample, ...]:
    if not data.rows:
        message = "The list of samples is empty: it has no column names."
        problems.append(Problem("no_samples", message, data.line))
        return ()
    head, *rows = data.rows
    columns = _columns(head, problems)
    if "sample_id" not in columns:
        message = "No column Sample_ID in the list of samples."
        problems.append(Problem("no_sample_id_column", message, head.line))
        return ()
    if not rows:
        problems.append(Problem("no_samples", "No sample is listed.", head.line))
    samples = (_sample(row, head, columns, problems) for row in rows)
    return tuple(sample for sample in samples if sample)


def _columns(head: Row, problems: list[Problem]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for position, cell in enumerate(head.cells):
        name = _COLUMNS.get(folded(cell))
        if name is None:
            continue
        if name in columns:
            message = f"Column {cell} is there twice: the first one is read."
            problems.append(Problem("repeated_column", message, head.line))
        columns.setdefault(name, position)
    return columns


def _sample(
    row: Row, head: Row, columns: Mapping[str, int], problems: list[Problem]
) -> SheetSample | None:
    if any(row.cells[len(head.cells) :]):
        message = "More values than the list of samples has columns."
        problems.append(Problem("row_too_long", message, row.line))
    # A short row is legal: spreadsheets leave trailing empty cells out.
    values = {
        name: row.cells[position] if position < len(row.cells) else ""
        for name, position in columns.items()
    }
    if not values["sample_id"]:
        message = "A sample without a Sample_ID, left out."
        problems.append(Problem("no_sample_id", message, row.line))
        return None
    for name, value in values.items():
        if len(value) > MAX_VALUE_LENGTH:
            message = f"A value is longer than {MAX_VALUE_LENGTH} characters, cut."
            problems.append(Problem("value_too_long", message, row.line))
            values[name] = value[:MAX_VALUE_LENGTH]
    index, index2 = _indexes(values.get("index", ""), values.get("index2", ""))
    return SheetSample(
        sample_id=values["sample_id"],
        name=values.get("name", ""),
        project=values.get("project", ""),
        lane=_lane(values.get("lane", ""), row, problems),
        index=index,
        index2=index2,
        override_cycles=values.get("override_cycles", ""),
        line=row.line,
    )


def _indexes(index: str, index2: str) -> tuple[str, str]:
    """CASAVA, and v1 sheets made from it, write `AAAA-CCCC`, and `NoIndex` for none."""
    if index.lower() == "noindex":
        return "", index2
    if not index2 and (both := re.fullmatch(r"([ACGTN]+)-([ACGTN]+)", index, re.I)):
        return both[1], both[2]
    return index, index2


def _lane(value: str, row: Row, problems: list[Problem]) -> int | None:
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,2}", value):
        return int(value)
    message = f"{value[:20]!r} is not a lane."
    problems.append(Problem("lane_invalid", message, row.line))
    return None
