"""The Illumina platform: every instrument that writes a RunInfo.xml."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from runfolders.choices import Platform
from runfolders.engine.facts import Listing, Problem, RunFacts, Unreadable
from runfolders.engine.files import read_regular, storable
from runfolders.engine.platform import PlatformReader
from runfolders.engine.values import sha256, without_nothings
from runfolders.engine.xml import MAX_BYTES

from . import instruments, markers
from .cycles import TILES_PER_CYCLE, count_cycles
from .dates import parse_date
from .names import RunName, parse_name
from .run_info import RunInfo, parse_run_info
from .run_parameters import RunParameters, parse_run_parameters
from .status import read_ending

_EMPTY_INFO = RunInfo()
_PARAMETER_NAMES = ("RunParameters.xml", "runParameters.xml")


def claims(listing: Listing) -> bool:
    """Is there a RunInfo.xml or, at the very beginning, a RunParameters.xml?

    Of whatever kind: `read` says what is wrong with one that is no file.
    """
    names = listing.files.keys() | listing.irregular.keys()
    return markers.RUN_INFO in names or markers.RUN_PARAMETERS in names


def read(listing: Listing) -> RunFacts:
    """What RunInfo.xml says, else RunParameters.xml, else the run's name.

    Without a RunInfo.xml the run is only starting. Raises Unreadable if the
    RunInfo.xml, or the only file that is there, can't be read.
    """
    problems: list[Problem] = []
    info, digest = _read_run_info(listing)
    parameters = _read_parameters(listing, info, problems)
    if info is None:
        info = _EMPTY_INFO
    elif info.reads_left_out:
        message = f"{info.reads_left_out} reads without a sensible number of cycles."
        problems.append(Problem("reads_left_out", message))
    problems += _id_problems(listing.path, info, parameters)
    problems += _bcl_problems(parameters)
    return _facts(info, parameters, problems, digest)


def _read_run_info(listing: Listing) -> tuple[RunInfo | None, str]:
    entry = listing.file(markers.RUN_INFO)
    if entry is None:
        if reason := listing.irregular.get(markers.RUN_INFO):
            raise Unreadable(reason)
        return None, ""
    data = read_regular(listing.path / entry.name, MAX_BYTES)
    return parse_run_info(data, storable(entry.name)), sha256(data)


def _read_parameters(
    listing: Listing, info: RunInfo | None, problems: list[Problem]
) -> RunParameters:
    name = _parameters_name(listing, problems)
    if name is None:
        if info is None:
            neither = "Neither RunInfo.xml nor RunParameters.xml is there."
            raise Unreadable(listing.irregular.get(markers.RUN_PARAMETERS, neither))
        return RunParameters()
    try:
        data = read_regular(listing.path / name, MAX_BYTES)
        return parse_run_parameters(data, storable(name))
    except Unreadable as error:
        if info is None:
            raise
        problems.append(Problem("run_parameters_unreadable", str(error)))
        return RunParameters()


def _parameters_name(listing: Listing, problems: list[Problem]) -> str | None:
    """Which of the two spellings to read; a listing can hold only one of them."""
    entry = listing.file(markers.RUN_PARAMETERS)
    if entry is None:
        return None
    inodes = {}
    for name in _PARAMETER_NAMES:
        path = listing.path / name
        try:
            if path.is_file():
                inodes[name] = path.stat().st_ino
        except OSError:
            continue
    if len(set(inodes.values())) > 1:
        message = "Both RunParameters.xml and runParameters.xml: the former is read."
        problems.append(Problem("two_run_parameters", message))
    return next(iter(inodes), entry.name)


def _id_problems(
    folder: Path, info: RunInfo, parameters: RunParameters
) -> list[Problem]:
    problems = []
    run_id = info.run_id or parameters.run_id
    name = storable(folder.name)
    if run_id and run_id != name:
        message = f"The folder is named {name}, but its run is {run_id}."
        problems.append(Problem("run_id_mismatch", message))
    if info.run_id and parameters.run_id not in {None, info.run_id}:
        message = (
            f"RunParameters.xml is of run {parameters.run_id}, "
            f"but RunInfo.xml is of run {info.run_id}."
        )
        problems.append(Problem("run_parameters_mismatch", message))
    return problems


def _bcl_problems(parameters: RunParameters) -> list[Problem]:
    if parameters.extra.get("disable_bcl_copy", "").lower() != "true":
        return []
    message = "The instrument keeps the base calls: this run can't be demultiplexed."
    return [Problem("no_base_calls", message)]


def _facts(
    info: RunInfo, parameters: RunParameters, problems: list[Problem], digest: str
) -> RunFacts:
    run_id = info.run_id or parameters.run_id
    hint = parse_name(run_id) if run_id else None
    instrument_id = info.instrument_id or parameters.instrument_id
    if instrument_id is None and hint:
        instrument_id = hint.instrument_id
    detected = instruments.detect(
        instrument_id,
        instrument_type=parameters.instrument_type,
        flow_cell_text=parameters.flow_cell_text,
        application=parameters.application,
    )
    if detected.contradicted_by:
        message = (
            f"RunParameters.xml says {detected.model}, but instrument ids like "
            f"{instrument_id} are of a {detected.contradicted_by}."
        )
        problems.append(Problem("instrument_model_mismatch", message))
    hint = parse_name(run_id, detected.model) if run_id else None
    date_raw = info.date_raw or parameters.started
    return RunFacts(
        platform=Platform.ILLUMINA,
        run_id=run_id,
        instrument_id=instrument_id,
        instrument_model=detected.model,
        run_number=_run_number(info, parameters, hint),
        flow_cell=info.flow_cell
        or parameters.flow_cell
        or (hint.flow_cell if hint else None),
        side=_side(info, parameters, hint, detected.model),
        date_raw=date_raw,
        started_at=_started_at(info, date_raw),
        reads=info.reads,
        lanes=info.lanes,
        experiment_name=parameters.experiment_name,
        reagent_kit=parameters.reagent_kit,
        reagent_kit_barcode=parameters.reagent_kit_barcode,
        library_tube=parameters.library_tube,
        chemistry=parameters.chemistry,
        flow_cell_mode=parameters.flow_cell_mode,
        software=parameters.software,
        rta_version=parameters.rta_version,
        operator=parameters.operator,
        extra=_extra(info, parameters),
        problems=tuple(problems),
        digest=digest,
    )


def _run_number(
    info: RunInfo, parameters: RunParameters, hint: RunName | None
) -> int | None:
    """The numbers of the files and of the name can differ; the files win."""
    for number in (info.run_number, parameters.run_number):
        if number is not None:
            return number
    return hint.run_number if hint else None


def _side(
    info: RunInfo, parameters: RunParameters, hint: RunName | None, model: str | None
) -> str | None:
    if instruments.has_sides(model) and info.flow_cell_side:
        return info.flow_cell_side
    return parameters.side or (hint.side if hint else None)


def _started_at(info: RunInfo, date_raw: str | None) -> dt.datetime | None:
    return info.started_at or parse_date(date_raw)


def _extra(info: RunInfo, parameters: RunParameters) -> dict[str, str]:
    from_info = {
        "run_info_version": info.version,
        TILES_PER_CYCLE: str(info.tiles) if info.tiles else None,
    }
    return {**without_nothings(from_info), **parameters.extra}


READER = PlatformReader(
    key=Platform.ILLUMINA,
    claims=claims,
    watched=markers.is_watched,
    read=read,
    markers=markers.find_markers,
    ending=read_ending,
    cycles_done=count_cycles,
)
