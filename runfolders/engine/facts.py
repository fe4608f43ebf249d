"""What one look at a run folder finds: plain values, no I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runfolders.choices import Outcome


class Unreadable(Exception):
    """A run folder, or a file that it can't do without, can't be read now.

    The message is one short sentence for a person; the scanner shows it and
    tries again at the next scan.
    """


class NotARun(Exception):
    """The folder looks like a run folder but is none: a wash, a pressure check.

    The scanner treats it as a directory that no platform claims.
    """


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should know; never a reason to hide the run."""

    code: str  # stable, e.g. "run_id_mismatch"
    message: str
    line: int | None = None  # 1-based, of the sample sheet


@dataclass(frozen=True, slots=True)
class FileStat:
    """One directory entry that is a regular file (links are followed)."""

    name: str  # as spelled on disk
    size_bytes: int
    mtime: float  # seconds since 1970
    inode: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The top level of a run folder: names are looked up in lower case.

    Only files whose name a platform watches carry a stat; a marker that is a
    directory, a dangling link or not a regular file is in `irregular`, not in
    `files`.
    """

    path: Path
    files: Mapping[str, FileStat]  # by lower-case name
    directories: frozenset[str]  # as spelled on disk
    # More names than are looked at (a run folder's top level has < 100).
    truncated: bool = False
    # By lower-case name: "RunInfo.xml is no regular file (a named pipe)."
    irregular: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str) -> FileStat | None:
        return self.files.get(name.lower())


@dataclass(frozen=True, slots=True)
class Read:
    """One read of a run, in the order in which it was sequenced."""

    number: int  # 1-based
    cycles: int
    is_index: bool
    is_reverse_complement: bool | None = None  # None: the file does not say


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Metadata of a run; None where the folder does not say."""

    platform: str  # choices.Platform
    run_id: str | None = None
    instrument_id: str | None = None
    instrument_model: str | None = None  # "NovaSeq 6000"
    run_number: int | None = None
    flow_cell: str | None = None
    side: str | None = None  # "A" or "B"; only where it means something
    date_raw: str | None = None
    started_at: dt.datetime | None = None  # naive where the file has no zone
    reads: tuple[Read, ...] = ()
    lanes: int | None = None
    experiment_name: str | None = None
    reagent_kit: str | None = None  # barcode or serial number
    library_tube: str | None = None  # barcode
    chemistry: str | None = None
    flow_cell_mode: str | None = None  # "S4", "10B"
    software: str | None = None  # name and version of the control software
    rta_version: str | None = None
    operator: str | None = None
    # Arteria's `metadata.reagent_kit_barcode`: ReagentKitBarcode only.
    reagent_kit_barcode: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    # SHA-256 (hex) of the file that identifies the run (RunInfo.xml, ...).
    digest: str = ""

    @property
    def total_cycles(self) -> int:
        return sum(read.cycles for read in self.reads)

    @property
    def read_structure(self) -> str:
        """Cycles a read, joined with `-`: `151-8-8-151`; "" if unknown."""
        return "-".join(str(read.cycles) for read in self.reads)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the instrument says that the run ended."""

    outcome: Outcome
    raw: str = ""  # the word in the file: "UserEndedEarly"
    message: str = ""  # the instrument's error text, bounded


@dataclass(frozen=True, slots=True)
class SheetSample:
    """One row of a sample sheet."""

    sample_id: str
    name: str = ""
    project: str = ""
    lane: int | None = None  # None: all lanes
    index: str = ""
    index2: str = ""
    override_cycles: str = ""  # "Y151;I8N2;N2I8;Y151"; "": the sheet's setting
    line: int = 0  # 1-based


@dataclass(frozen=True, slots=True)
class SampleSheet:
    """A parsed sample sheet; `problems` holds what is wrong with it."""

    name: str  # file name
    dialect: str  # "v1", "v2", "casava"
    encoding: str
    samples: tuple[SheetSample, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
