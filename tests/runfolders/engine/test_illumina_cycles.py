"""Cycles done, from InterOp and from the directories of the cycles."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from runfolders.engine.illumina.reader import READER

from .listings import MISEQ, NOVASEQ, list_folder, make_folder, run_info

EXTRACTION = Path("InterOp") / "ExtractionMetricsOut.bin"
TEN_CYCLES = run_info(
    rest='<FlowcellLayout LaneCount="1" SurfaceCount="2" SwathCount="1" TileCount="2"/>'
)


def cycles_done(folder: Path) -> int | None:
    listing = list_folder(folder)
    return READER.cycles_done(listing, READER.read(listing))


def ten_cycles(folder: Path) -> Path:
    return make_folder(folder, RunInfo_xml=TEN_CYCLES)


def write_extraction(folder: Path, content: bytes) -> None:
    (folder / "InterOp").mkdir()
    (folder / EXTRACTION).write_bytes(content)


def copy_of(example: Path, folder: Path, content: bytes) -> Path:
    folder.mkdir()
    shutil.copy(example / "RunInfo.xml", folder)
    write_extraction(folder, content)
    return folder


def with_cycles(content: bytes, header: int, cycle_at: int, last: int) -> bytes:
    """Only the records of cycles up to `last`."""
    length = content[1]
    records = (
        content[start : start + length] for start in range(header, len(content), length)
    )
    kept = (
        record
        for record in records
        if struct.unpack_from("<H", record, cycle_at)[0] <= last
    )
    return content[:header] + b"".join(kept)


def test_whole_runs_have_all_their_cycles() -> None:
    assert cycles_done(MISEQ) == 318
    assert cycles_done(NOVASEQ) == 56


@pytest.mark.parametrize(
    ("example", "header", "cycle_at", "half"),
    [(MISEQ, 2, 4, 159), (NOVASEQ, 3, 6, 28)],
    ids=["version 2", "version 3"],
)
def test_records_of_half_of_the_cycles_are_half(
    tmp_path: Path, example: Path, header: int, cycle_at: int, half: int
) -> None:
    content = (example / EXTRACTION).read_bytes()
    part = with_cycles(content, header, cycle_at, half)
    assert cycles_done(copy_of(example, tmp_path / "run", part)) == half


def test_half_of_the_file_is_half_whatever_the_highest_cycle_in_it(
    tmp_path: Path,
) -> None:
    content = (NOVASEQ / EXTRACTION).read_bytes()
    half = content[: 3 + (len(content) - 3) // 2]
    assert cycles_done(copy_of(NOVASEQ, tmp_path / "run", half)) == 28


def test_half_written_record_does_not_count(tmp_path: Path) -> None:
    content = (NOVASEQ / EXTRACTION).read_bytes()
    assert cycles_done(copy_of(NOVASEQ, tmp_path / "run", content[:-1])) == 55


def test_lost_record_is_no_lost_cycle_once_base_calling_has_ended(
    tmp_path: Path,
) -> None:
    content = (NOVASEQ / EXTRACTION).read_bytes()
    folder = copy_of(NOVASEQ, tmp_path / "run", content[: -content[1]])
    assert cycles_done(folder) == 55
    (folder / "RTAComplete.txt").touch()
    assert cycles_done(folder) == 56


def test_directory_of_a_cycle_counts_where_many_records_were_lost(
    tmp_path: Path,
) -> None:
    content = (NOVASEQ / EXTRACTION).read_bytes()
    half = content[: 3 + (len(content) - 3) // 2]
    folder = copy_of(NOVASEQ, tmp_path / "run", half)
    (folder / "RTAComplete.txt").touch()
    assert cycles_done(folder) == 28
    for cycle in range(1, 57):
        path = folder / "Data" / "Intensities" / "BaseCalls" / "L001" / f"C{cycle}.1"
        path.mkdir(parents=True)
    assert cycles_done(folder) == 56


def test_preallocated_tail_of_zeros_does_not_count(tmp_path: Path) -> None:
    content = (NOVASEQ / EXTRACTION).read_bytes()
    written = 3 + (len(content) - 3) // 4
    zeros = content[:written] + bytes(len(content) - written)
    assert cycles_done(copy_of(NOVASEQ, tmp_path / "run", zeros)) == 14


def test_more_records_than_the_run_has_are_all_of_it(tmp_path: Path) -> None:
    content = (NOVASEQ / EXTRACTION).read_bytes()
    doubled = content + content[3:]
    assert cycles_done(copy_of(NOVASEQ, tmp_path / "run", doubled)) == 56


@pytest.mark.parametrize(
    "content",
    [b"", b"\3", bytes(100), b"\7\x14\2" + b"\1" * 900, b"\3\0\2" + b"\1" * 900],
    ids=["empty", "cut header", "zeros", "unknown version", "no record length"],
)
def test_files_of_no_sense_say_nothing(tmp_path: Path, content: bytes) -> None:
    folder = ten_cycles(tmp_path / "run")
    write_extraction(folder, content)
    assert cycles_done(folder) is None


def test_file_without_records_yet_is_no_cycle(tmp_path: Path) -> None:
    folder = ten_cycles(tmp_path / "run")
    write_extraction(folder, b"\3\x14\2")
    assert cycles_done(folder) == 0


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_extraction_file_that_is_no_file_is_passed_over(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = ten_cycles(tmp_path / "run")
    (folder / "InterOp" / "C1.1").mkdir(parents=True)
    make(folder / EXTRACTION)
    assert cycles_done(folder) == 1


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("InterOp", "C{}.1"),
        ("Data/Intensities/BaseCalls/L001", "C{}.1"),
        ("Data/Intensities/BaseCalls/L001", "{:04}.bcl.bgzf"),
    ],
)
def test_entries_of_cycles_are_counted(
    tmp_path: Path, directory: str, name: str
) -> None:
    folder = ten_cycles(tmp_path / "run")
    for cycle in (1, 2, 3, 7):
        (folder / directory / name.format(cycle)).mkdir(parents=True)
    for other in ("C0.1", "C11.1", "C1.1.tmp", "s_1_1101.filter", "0099.bcl.bgzf"):
        (folder / directory / other).mkdir()
    assert cycles_done(folder) == 4


def test_folder_that_shows_no_cycles_is_none(tmp_path: Path) -> None:
    assert cycles_done(ten_cycles(tmp_path / "run")) is None


def test_run_whose_reads_are_unknown_is_none(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "run", RunParameters_xml="<RunParameters/>")
    (folder / "InterOp" / "C1.1").mkdir(parents=True)
    assert cycles_done(folder) is None
