"""Oxford Nanopore: folders of MinKNOW, `<date>_<time>_<position>_<flow cell>_<id>`.

Source of the format: MinKNOW's final_summary_*.txt, `key=value` lines. Nothing that
MinKNOW writes before it tells more than the folder's name does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runfolders.choices import Outcome, Platform

from .facts import Ending, FileStat, Listing, NotARun, Problem, RunFacts, Unreadable
from .files import read_regular, storable
from .platform import PlatformReader
from .values import (
    first_of_shape,
    iso_time,
    plain_text,
    sha256,
    time_of_name,
    without_nothings,
)

MAX_SUMMARY_BYTES = 100_000
# An acquisition that was begun again leaves one more; nobody begins it a hundred times.
MAX_SUMMARIES = 20

# How the rules spell the marker; on disk it is final_summary_<flow cell>_<ids>.txt.
FINAL_SUMMARY = "final_summary.txt"

_NAME = re.compile(
    r"(?P<date>[0-9]{8})_(?P<time>[0-9]{4})_(?P<position>[0-9A-Za-z-]+)"
    r"_(?P<flow_cell>[0-9A-Za-z]+)_(?P<id>[0-9a-f]{8})"
)
_SUMMARY = re.compile(r"final_summary.*\.txt")
# Those that grow tell that the run is alive; the others come at its end.
_WATCHED = re.compile(
    r"(final_summary|sequencing_summary|throughput|pore_activity|report|output_hash)"
    r".*\.(txt|csv|html|json|md)"
)
# Not plain `fastq` or `bam`: so are results of pipelines called.
_DATA = re.compile(r"pod5(_pass|_fail|_skip)?|(fast5|fastq|bam)_(pass|fail|skip)")
_TEST_CELL = re.compile(r"CTC[0-9]*", re.I)
_MODELS = (
    (re.compile(r"[1-9][A-H]|[1-9]-[A-Z][1-9]-[A-Z][1-9]"), "PromethION"),
    (re.compile(r"P2S?-.*"), "PromethION 2"),
    (re.compile(r"X[1-5]"), "GridION"),
    (re.compile(r"MN[0-9]+"), "MinION"),
    (re.compile(r"MD-.*"), "MinION Mk1D"),
    (re.compile(r"MC-.*"), "MinION Mk1C"),
)


def claims(listing: Listing) -> bool:
    """A name of MinKNOW's, its final summary or its data, and no test cell's name."""
    name = _NAME.fullmatch(listing.path.name)
    if name:
        return not _TEST_CELL.fullmatch(name["flow_cell"])
    return any(_summaries(listing)) or any(
        _DATA.fullmatch(directory) for directory in listing.directories
    )


def watched(name: str) -> bool:
    return _WATCHED.fullmatch(name) is not None


def read(listing: Listing) -> RunFacts:
    """What the name and, once it is there, the final summary say.

    Raises Unreadable, and NotARun for a configuration test cell.
    """
    folder = storable(listing.path.name)
    name = _NAME.match(folder)
    summaries = _read_summaries(listing)
    last = summaries[-1] if summaries else {}
    flow_cell = last.get("flow_cell_id") or (name and name["flow_cell"])
    if flow_cell and _TEST_CELL.fullmatch(flow_cell):
        raise NotARun(f"{flow_cell} is a configuration test cell.")
    position = last.get("position") or (name and name["position"])
    model = first_of_shape(_MODELS, position)
    # protocol=sequencing/<script>:<flow cell type>:<kit>:<speed>
    _, cell_type, kit, *_ = (*last.get("protocol", "").split(":"), "", "", "")
    return RunFacts(
        platform=Platform.ONT,
        run_id=folder,
        # A MinION is its own position; else the position says nothing of the
        # machine, and its name comes with the final summary.
        instrument_id=last.get("instrument")
        or (position if model and model.startswith("MinION") else None),
        instrument_model=model,
        flow_cell=flow_cell,
        date_raw=f"{name['date']}_{name['time']}" if name else None,
        started_at=iso_time(last.get("started")) or time_of_name(name),
        experiment_name=last.get("protocol_group_id"),
        chemistry=kit or None,
        flow_cell_mode=cell_type or None,
        extra=without_nothings(
            {
                "position": position,
                "sample_id": last.get("sample_id"),
                "protocol_run_id": last.get("protocol_run_id"),
                "acquisition_run_id": last.get("acquisition_run_id"),
                "acquisition_stopped": last.get("acquisition_stopped"),
            }
        ),
        problems=_fallback_problems(summaries),
        # No file identifies the run from its first minute on, but the name does:
        # it ends with the beginning of a random id.
        digest=sha256(name[0].encode()) if name else "",
    )


def markers(listing: Listing) -> Mapping[str, float]:
    """The final summary, unless files are still where MinKNOW put them in distress."""
    found = list(_summaries(listing))
    try:
        summaries = _read_summaries(listing)
    except Unreadable:
        return {}
    if not found or not all(_is_whole(summary) for summary in summaries):
        return {}
    return {FINAL_SUMMARY: max(entry.mtime for entry in found)}


def ending(listing: Listing) -> Ending | None:
    """OK once the final summary finds every file in its place. Never raises."""
    try:
        summaries = _read_summaries(listing)
    except Unreadable as error:
        return Ending(Outcome.UNKNOWN, message=str(error))
    if not summaries:
        return None
    problems = _fallback_problems(summaries)
    if problems:
        return Ending(Outcome.UNKNOWN, message=problems[0].message)
    return Ending(Outcome.OK)


def cycles_done(_listing: Listing, _facts: RunFacts) -> int | None:
    """None: a nanopore has no cycles."""
    return None


def _summaries(listing: Listing) -> Iterator[FileStat]:
    return (entry for name, entry in listing.files.items() if _SUMMARY.fullmatch(name))


def _read_summaries(listing: Listing) -> list[dict[str, str]]:
    """The final summaries, the youngest last. Raises Unreadable."""
    found = sorted(_summaries(listing), key=lambda entry: entry.mtime)
    return [_read_summary(listing, entry) for entry in found[-MAX_SUMMARIES:]]


def _read_summary(listing: Listing, entry: FileStat) -> dict[str, str]:
    content = read_regular(listing.path / entry.name, MAX_SUMMARY_BYTES)
    pairs = (
        line.partition("=") for line in content.decode("utf-8", "replace").splitlines()
    )
    return without_nothings({key.strip(): plain_text(value) for key, _, value in pairs})


def _fallbacks(summary: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in summary.items() if k.endswith("_files_in_fallback")}


def _is_whole(summary: Mapping[str, str]) -> bool:
    # A summary that was cut short, or is of an unknown kind, proves nothing.
    fallbacks = _fallbacks(summary).values()
    return bool(fallbacks) and all(count == "0" for count in fallbacks)


def _fallback_problems(summaries: list[dict[str, str]]) -> tuple[Problem, ...]:
    """Why the summaries don't count as the end of the run."""
    problems = []
    for summary in summaries:
        fallbacks = _fallbacks(summary)
        elsewhere = [f"{k}={v}" for k, v in fallbacks.items() if v != "0"]
        if elsewhere:
            message = f"Data is still on the instrument: {', '.join(elsewhere)[:200]}."
            problems.append(Problem("files_in_fallback", message))
        elif not fallbacks:
            message = "The final summary does not say where the files are."
            problems.append(Problem("final_summary_incomplete", message))
    return tuple(problems)


READER = PlatformReader(
    key=Platform.ONT,
    claims=claims,
    watched=watched,
    read=read,
    markers=markers,
    ending=ending,
    cycles_done=cycles_done,
)
