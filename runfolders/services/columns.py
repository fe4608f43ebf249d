"""What a look found, as columns: bounded, and nothing that PostgreSQL refuses."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import models
from django.utils import timezone

from runfolders.engine.facts import Problem, Read, RunFacts, SampleSheet
from runfolders.engine.files import storable
from runfolders.engine.look import Look
from runfolders.engine.values import plain_text
from runfolders.models import Instrument, Runfolder, Sample

MAX_INTEGER = 2**31 - 1
MAX_SMALL = 2**15 - 1
MAX_MESSAGE = 1_000

_TEXTS = (
    "run_id",
    "instrument_model",
    "flow_cell",
    "side",
    "date_raw",
    "experiment_name",
    "reagent_kit",
    "reagent_kit_barcode",
    "library_tube",
    "chemistry",
    "flow_cell_mode",
    "rta_version",
    "software",
    "operator",
    "digest",
)


def path_columns(path: str) -> dict[str, Any]:
    """`path`, `raw_path` and `name` of a real path."""
    shown = storable(path)
    return {
        "path": shown,
        "raw_path": None if shown == path else os.fsencode(path),
        "name": shown.rpartition("/")[2],
    }


def fact_columns(facts: RunFacts) -> dict[str, Any]:
    """All columns that RunFacts decide, but the instrument and the problems."""
    columns: dict[str, Any] = {
        name: text(Runfolder, name, getattr(facts, name)) for name in _TEXTS
    }
    return {
        **columns,
        "platform": facts.platform,
        "run_number": _bounded(facts.run_number, MAX_INTEGER),
        "started_at": aware(facts.started_at),
        "reads": [
            {
                "number": read.number,
                "cycles": read.cycles,
                "is_index": read.is_index,
                "is_reverse_complement": read.is_reverse_complement,
            }
            for read in facts.reads
        ],
        "total_cycles": _bounded(facts.total_cycles or None, MAX_INTEGER),
        "lanes": _bounded(facts.lanes, MAX_SMALL),
        "extra": _texts(facts.extra),
    }


def sheet_columns(
    sheet: SampleSheet | None, problems: Iterable[Problem]
) -> dict[str, Any]:
    """What the sample sheet decides; no sheet empties it."""
    return {
        "sheet_name": text(
            Runfolder, "sheet_name", storable(sheet.name) if sheet else None
        ),
        "sheet_dialect": sheet.dialect if sheet else "",
        "sheet_problems": problem_rows(problems),
        "project": _project(sheet),
    }


def run_id_of(look: Look) -> str:
    """The run id as the column has it."""
    return text(Runfolder, "run_id", look.run_id)


def facts_of(runfolder: Runfolder) -> RunFacts:
    """As much of the facts as rules and cycle counts need, from the row."""
    instrument = runfolder.instrument
    return RunFacts(
        platform=runfolder.platform,
        instrument_id=instrument.serial if instrument else None,
        instrument_model=runfolder.instrument_model or None,
        software=runfolder.software or None,
        reads=tuple(
            Read(read["number"], read["cycles"], read["is_index"])
            for read in runfolder.reads
        ),
        extra=runfolder.extra,
        digest=runfolder.digest,
    )


def problem_rows(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as they are stored: code, message, line."""
    return [
        {
            "code": problem.code,
            "message": plain_text(problem.message, MAX_MESSAGE) or "",
            "line": problem.line,
        }
        for problem in problems
    ]


def sample_rows(runfolder: Runfolder, sheet: SampleSheet | None) -> list[Sample]:
    """Unsaved rows of the samples in a sheet."""
    return [
        Sample(
            runfolder=runfolder,
            sample_id=text(Sample, "sample_id", sample.sample_id),
            name=text(Sample, "name", sample.name),
            project=text(Sample, "project", sample.project),
            lane=_bounded(sample.lane, MAX_SMALL),
            index=text(Sample, "index", sample.index),
            index2=text(Sample, "index2", sample.index2),
            line=min(sample.line, MAX_INTEGER),
        )
        for sample in (sheet.samples if sheet else ())
    ]


def text(
    model: type[Runfolder | Sample | Instrument], field: str, value: object
) -> str:
    """One line of at most the column's length; "" for nothing."""
    return plain_text(value, _limit(model, field)) or ""


def aware(at: dt.datetime | None) -> dt.datetime | None:
    """A time without a zone is the site's; None for one that no zone has."""
    if at is None or timezone.is_aware(at):
        return at
    try:
        # To UTC, so that a time at the edge of the calendar fails here.
        return timezone.make_aware(at).astimezone(dt.UTC)
    except (OverflowError, ValueError):
        return None


@cache
def _limit(model: type[Runfolder | Sample | Instrument], field: str) -> int:
    column = model._meta.get_field(field)
    return (isinstance(column, models.CharField) and column.max_length) or MAX_MESSAGE


def _bounded(number: int | None, limit: int) -> int | None:
    return number if number is not None and 0 <= number <= limit else None


def _texts(values: Mapping[str, str]) -> dict[str, str]:
    return {key: plain_text(value, MAX_MESSAGE) or "" for key, value in values.items()}


def _project(sheet: SampleSheet | None) -> str:
    """The projects of a run, each once, in the order of the sheet."""
    names: Sequence[str] = [sample.project for sample in sheet.samples] if sheet else []
    return text(Runfolder, "project", ", ".join(dict.fromkeys(filter(None, names))))
