"""Element AVITI: RunParameters.json, AvitiRunStats.json, RunUploaded.json.

Source of the format: RunParameters.json as AVITI OS 2 and 3 write it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runfolders.choices import Outcome, Platform

from .facts import (
    Ending,
    Listing,
    NotARun,
    Problem,
    Read,
    RunFacts,
    Unreadable,
)
from .files import entries, read_regular, storable
from .platform import PlatformReader
from .values import iso_time, parse_json_object, plain_text, sha256, without_nothings

MAX_JSON_BYTES = 5_000_000
# Four reads of at most some hundred cycles, one file each.
MAX_CYCLE_FILES = 10_000

_PARAMETERS = "RunParameters.json"
_UPLOADED = "RunUploaded.json"
_MARKERS = ("AvitiRunStats.json", _UPLOADED)
_WATCHED = frozenset(
    name.lower() for name in (_PARAMETERS, "RunManifest.json", *_MARKERS)
)
_RUN_TYPES = frozenset({"sequencing", "cytoprofiling"})
_OUTCOMES = {
    "OutcomeCompleted": Outcome.OK,
    "OutcomeFailed": Outcome.FAILED,
}
_READ = re.compile(r"[RI][1-9]")
_CYCLE_FILE = re.compile(r"([RI][1-9])_C([0-9]{3,4})\.zip")


def claims(listing: Listing) -> bool:
    """RunParameters.json, unless the name says that it is a test of the flow cell."""
    is_check = "flowcellpressurecheck" in listing.path.name.lower()
    name = _PARAMETERS.lower()
    return (name in listing.files or name in listing.irregular) and not is_check


def read(listing: Listing) -> RunFacts:
    """What RunParameters.json says.

    Raises Unreadable, and NotARun if the instrument only washes or primes, or if
    the file is another program's.
    """
    entry = listing.file(_PARAMETERS)
    if entry is None:
        not_there = f"{_PARAMETERS} is not there."
        raise Unreadable(listing.irregular.get(_PARAMETERS.lower(), not_there))
    content = read_regular(listing.path / entry.name, MAX_JSON_BYTES)
    values = parse_json_object(_PARAMETERS, content)
    run_type = _text(values, "RunType")
    if run_type is not None and run_type.lower() not in _RUN_TYPES:
        raise NotARun(f"{_PARAMETERS} is of a {run_type}, not of a sequencing run.")
    flow_cell = _text(values, "FlowcellID", "Consumables.Flowcell.SerialNumber")
    if not (flow_cell or _text(values, "RunName")):
        raise NotARun(f"{_PARAMETERS} names neither a run nor a flow cell.")
    folder = storable(listing.path.name)
    run_id = _text(values, "RunFolderName") or folder
    date_raw = _text(values, "Date")
    version = _text(values, "PlatformVersion")
    return RunFacts(
        platform=Platform.ELEMENT,
        run_id=run_id,
        instrument_id=_text(values, "InstrumentName"),
        instrument_model="AVITI",
        flow_cell=flow_cell,
        side=_side(_text(values, "Side")),
        date_raw=date_raw,
        started_at=iso_time(date_raw),
        reads=_reads(values),
        lanes=_lanes(_text(values, "AnalysisLanes")),
        experiment_name=_text(values, "RunName"),
        reagent_kit=_text(values, "Consumables.SequencingCartridge.SerialNumber"),
        chemistry=_text(values, "ChemistryVersion"),
        flow_cell_mode=_text(values, "KitConfiguration"),
        software=f"AVITI OS {version}" if version else None,
        operator=_text(values, "OperatorName"),
        extra=without_nothings(
            {"element_run_id": _text(values, "RunID"), "run_type": run_type}
        ),
        problems=_problems(folder, run_id),
        digest=sha256(content),
    )


def markers(listing: Listing) -> Mapping[str, float]:
    """Those that are there; RunUploaded.json only once it is whole."""
    found = {name: listing.file(name) for name in _MARKERS}
    there = {name: entry.mtime for name, entry in found.items() if entry}
    try:
        _uploaded(listing)
    except Unreadable:
        there.pop(_UPLOADED, None)
    return there


def ending(listing: Listing) -> Ending | None:
    """The outcome in RunUploaded.json; None while it is not there. Never raises."""
    try:
        uploaded = _uploaded(listing)
    except Unreadable as error:
        return Ending(Outcome.UNKNOWN, message=str(error))
    if uploaded is None:
        return None
    raw = _text(uploaded, "outcome")
    if raw is None:
        return Ending(Outcome.UNKNOWN, message=f"{_UPLOADED} names no outcome.")
    return Ending(_OUTCOMES.get(raw, Outcome.UNKNOWN), raw=raw)


def _uploaded(listing: Listing) -> Mapping[str, Any] | None:
    """What RunUploaded.json holds; None if it is not there. Raises Unreadable."""
    entry = listing.file(_UPLOADED)
    if entry is None:
        return None
    content = read_regular(listing.path / entry.name, MAX_JSON_BYTES)
    return parse_json_object(_UPLOADED, content)


def cycles_done(listing: Listing, facts: RunFacts) -> int | None:
    """Cycles whose base calls are there: `BaseCalls/R1_C001.zip` and so on."""
    if not facts.reads:
        return None
    found = {
        (match[1], int(match[2]))
        for entry in entries(listing.path / "BaseCalls", MAX_CYCLE_FILES)
        if (match := _CYCLE_FILE.fullmatch(entry.name))
    }
    return min(len(found), facts.total_cycles)


def _text(values: Mapping[str, Any], *paths: str) -> str | None:
    """The first value that is there: `Consumables.Flowcell.SerialNumber`."""
    for path in paths:
        value: Any = values
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if text := plain_text(value):
            return text
    return None


def _reads(values: Mapping[str, Any]) -> tuple[Read, ...]:
    """`Cycles` {"R1": 151, ...} in `ReadOrder` ("I1,I2,R1,R2")."""
    cycles = values.get("Cycles")
    if not isinstance(cycles, Mapping):
        return ()
    order = (_text(values, "ReadOrder") or "I1,I2,R1,R2").replace(" ", "").split(",")
    planned = [
        (name, count)
        for name in dict.fromkeys(order)
        if _READ.fullmatch(name)
        and isinstance(count := cycles.get(name), int)
        and 0 < count < 10_000
    ]
    return tuple(
        Read(number, count, is_index=name.startswith("I"))
        for number, (name, count) in enumerate(planned, start=1)
    )


def _side(value: str | None) -> str | None:
    """ "A" or "B" of "SideA" or "A"."""
    last = (value or "")[-1:].upper()
    return last if last in {"A", "B"} else None


def _lanes(value: str | None) -> int | None:
    """How many lanes are analysed: "1+2" is two."""
    return len(set(re.findall(r"[12]", value or ""))) or None


def _problems(folder: str, run_id: str) -> tuple[Problem, ...]:
    if run_id == folder:
        return ()
    message = f"The folder is named {folder}, but its run is {run_id}."
    return (Problem("run_id_mismatch", message),)


READER = PlatformReader(
    key=Platform.ELEMENT,
    claims=claims,
    watched=_WATCHED.__contains__,
    read=read,
    markers=markers,
    ending=ending,
    cycles_done=cycles_done,
)
