"""Does a sample sheet make sense, for itself and for the run that it lies in?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from runfolders.engine.facts import Problem, Read, RunFacts, SampleSheet, SheetSample

from .override_cycles import index_cycles, mistake
from .reading import V2, bounded

Samples = tuple[SheetSample, ...]
Reads = tuple[Read, ...]

# Names of 10x Genomics' index sets stand in the index column: "SI-GA-A1".
_INDEX_SET = re.compile(r"SI-[A-Z0-9]{2}-[A-H][0-9]{1,2}", re.I)
_INDEX = re.compile(r"[ACGTN]+", re.I)


def check_against_run(sheet: SampleSheet, facts: RunFacts) -> tuple[Problem, ...]:
    """What is wrong with the samples of `sheet`; at most 200 problems and a note.

    Checks that need something that `facts` does not know are left out. What is
    wrong with the file as such is in `sheet.problems`.
    """
    samples = sheet.samples
    return bounded(
        [
            *_letters(samples),
            *_lanes(samples, facts.lanes),
            *_override_cycles(sheet, facts.reads),
            *_index_lengths(sheet, facts.reads),
            *_repeated_samples(samples),
            *_index_clashes(samples),
        ]
    )


def _letters(samples: Samples) -> Iterator[Problem]:
    for sample in samples:
        for index in (sample.index, sample.index2):
            if _squeezed(index) != index.upper():
                message = f"Blanks inside the index {index!r}."
                yield Problem("blank_in_index", message, sample.line)
            if index and not _is_set(index) and not _INDEX.fullmatch(_squeezed(index)):
                message = f"The index {index!r} has letters other than A, C, G, T, N."
                yield Problem("index_invalid", message, sample.line)


def _lanes(samples: Samples, lanes: int | None) -> Iterator[Problem]:
    for sample in samples:
        lane = sample.lane
        if lane is None or (lane > 0 and (lanes is None or lane <= lanes)):
            continue
        has = f": the flow cell has {lanes}" if lanes else ""
        yield Problem("lane_out_of_range", f"No lane {lane}{has}.", sample.line)


def _override_cycles(sheet: SampleSheet, reads: Reads) -> Iterator[Problem]:
    """Each setting once, at the first sample that uses it."""
    if not reads:
        return
    first_lines: dict[str, int | None] = {}
    if default := _default_override(sheet):
        first_lines[default] = None
    for sample in sheet.samples:
        if sample.override_cycles:
            first_lines.setdefault(sample.override_cycles, sample.line)
    for setting, line in first_lines.items():
        if what := mistake(setting, reads):
            message = f"OverrideCycles {setting[:60]}: {what}."
            yield Problem("override_cycles_invalid", message, line)


def _index_lengths(sheet: SampleSheet, reads: Reads) -> Iterator[Problem]:
    if not reads:
        return
    index_reads = [read for read in reads if read.is_index]
    default = _default_override(sheet)
    for sample in sheet.samples:
        if _is_set(sample.index):
            continue
        setting = sample.override_cycles or default
        used = index_cycles(setting, reads) if setting else None
        for number, index in enumerate((sample.index, sample.index2), start=1):
            length = len(_squeezed(index))
            if length and (
                what := _length_mistake(sheet, index_reads, used, number, length)
            ):
                yield Problem("index_length", f"Index {number} {what}.", sample.line)


def _length_mistake(
    sheet: SampleSheet,
    index_reads: list[Read],
    used: list[int] | None,
    number: int,
    length: int,
) -> str:
    """What is wrong with the `length` of index 1 or 2; "" if nothing."""
    if number > len(index_reads):
        return f"has {length} bases, but the run has {len(index_reads)} index reads"
    cycles = index_reads[number - 1].cycles
    if used is not None:
        if length != used[number - 1]:
            return f"has {length} bases, but OverrideCycles uses {used[number - 1]}"
    elif length > cycles:
        return f"has {length} bases, but its read has {cycles} cycles"
    elif length < cycles and sheet.dialect == V2:
        # bcl2fastq takes the length from the sheet, BCL Convert refuses it.
        return f"has {length} bases of {cycles} cycles and no OverrideCycles says why"
    return ""


def _repeated_samples(samples: Samples) -> Iterator[Problem]:
    seen: dict[tuple[int | None, str], int] = {}
    for sample in samples:
        key = (sample.lane, sample.sample_id)
        if key in seen:
            lane = _in_lane(sample.lane)
            message = f"Sample {sample.sample_id} is also in line {seen[key]}{lane}."
            yield Problem("sample_repeated", message, sample.line)
        seen.setdefault(key, sample.line)


def _index_clashes(samples: Samples) -> Iterator[Problem]:
    """Samples of a lane that demultiplexing can't tell apart, each pair once."""
    everywhere = [sample for sample in samples if sample.lane is None]
    by_lane: dict[int | None, list[SheetSample]] = {None: []}
    for sample in samples:
        if sample.lane is not None:
            by_lane.setdefault(sample.lane, []).append(sample)
    reported: set[tuple[int, int]] = set()
    for lane, own in by_lane.items():
        # Those of all lanes come first: they clash with any lane's own.
        for sample, other in _clashes_among(everywhere + own):
            pair = (other.line, sample.line)
            if pair not in reported:
                reported.add(pair)
                message = (
                    f"Sample {sample.sample_id} has the same index as "
                    f"{other.sample_id} in line {other.line}{_in_lane(lane)}."
                )
                yield Problem("index_clash", message, sample.line)


def _clashes_among(
    samples: list[SheetSample],
) -> Iterator[tuple[SheetSample, SheetSample]]:
    """Each sample with an earlier one that matches the same reads."""
    seen: dict[str, dict[str, SheetSample]] = {}
    for sample in samples:
        index, index2 = _squeezed(sample.index), _squeezed(sample.index2)
        others = seen.setdefault(index, {})
        # Without a second index a sample takes the reads of every second index.
        other = others.get(index2) or others.get("")
        if other is None and not index2:
            other = next(iter(others.values()), None)
        if other is not None:
            yield sample, other
        others.setdefault(index2, sample)


def _default_override(sheet: SampleSheet) -> str:
    wanted = "overridecycles"
    return next((v for k, v in sheet.settings.items() if k.lower() == wanted), "")


def _squeezed(index: str) -> str:
    return "".join(index.split()).upper()


def _is_set(index: str) -> bool:
    return _INDEX_SET.fullmatch(index) is not None


def _in_lane(lane: int | None) -> str:
    return "" if lane is None else f", lane {lane}"
