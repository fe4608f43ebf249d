"""RunInfo.xml of every age."""

from __future__ import annotations

import datetime as dt

import pytest

from runfolders.engine.facts import Read, Unreadable
from runfolders.engine.illumina.dates import parse_date
from runfolders.engine.illumina.run_info import parse_run_info

from .listings import MISEQ, NOVASEQ, run_info

DATA = (MISEQ / "RunInfo.xml").read_bytes()


def structure(document: str) -> str:
    reads = parse_run_info(document.encode()).reads
    return "-".join(f"{read.cycles}{'B' if read.is_index else 'T'}" for read in reads)


def test_it_reads_a_real_miseq_file() -> None:
    info = parse_run_info(DATA)
    assert info.run_id == "230825_M04034_0043_000000000-L6NVV"
    assert (info.run_number, info.instrument_id) == (43, "M04034")
    assert info.flow_cell == "000000000-L6NVV"
    assert (info.version, info.lanes, info.tiles) == ("2", 1, 28)
    assert [read.cycles for read in info.reads] == [151, 8, 8, 151]
    assert [read.is_index for read in info.reads] == [False, True, True, False]
    assert info.started_at == dt.datetime(2023, 8, 25)  # noqa: DTZ001


def test_tile_list_wins_over_layout_of_single_surface_flow_cell() -> None:
    info = parse_run_info((NOVASEQ / "RunInfo.xml").read_bytes())
    assert info.tiles == 312
    assert info.flow_cell_side == "B"


@pytest.mark.parametrize(
    "data",
    [
        DATA.replace(b' Version="2"', b' Version="7"'),
        b"\xef\xbb\xbf" + DATA,
        DATA.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        DATA.replace(b"<RunInfo ", b'<RunInfo xmlns="urn:unused" '),
    ],
    ids=["version", "bom", "crlf", "namespace"],
)
def test_form_of_the_file_makes_no_difference(data: bytes) -> None:
    expected, found = parse_run_info(DATA), parse_run_info(data)
    assert found.reads == expected.reads
    assert (found.run_id, found.tiles) == (expected.run_id, expected.tiles)


def test_missing_version_is_none() -> None:
    assert parse_run_info(DATA.replace(b' Version="2"', b"")).version is None


def test_reads_are_ordered_by_number() -> None:
    shuffled = run_info(
        '<Read NumCycles="151" Number="3" IsIndexedRead="N"/>'
        '<Read IsIndexedRead="Y" Number="2" NumCycles="8"/>'
        '<Read Number="1" NumCycles="150" IsIndexedRead="N"/>'
    )
    assert structure(shuffled) == "150T-8B-151T"


@pytest.mark.parametrize("second", ['Number="1"', "", 'Number="two"'])
def test_missing_or_doubled_numbers_leave_document_order(second: str) -> None:
    document = run_info(
        '<Read Number="1" NumCycles="20" IsIndexedRead="N"/>'
        f'<Read {second} NumCycles="8" IsIndexedRead="Y"/>'
        '<Read Number="0" NumCycles="30" IsIndexedRead="N"/>'
    )
    assert structure(document) == "20T-8B-30T"
    reads = parse_run_info(document.encode()).reads
    assert [read.number for read in reads] == [1, 2, 3]


def test_ancient_reads_have_first_and_last_cycle() -> None:
    ancient = run_info(
        '<Read FirstCycle="1" LastCycle="51"/><Read FirstCycle="52" LastCycle="102"/>'
    )
    info = parse_run_info(ancient.encode())
    assert [read.cycles for read in info.reads] == [51, 51]
    assert (info.flow_cell, info.date_raw, info.lanes) == (None, None, None)
    assert info.tiles is None


def test_reads_without_cycles_are_skipped() -> None:
    document = run_info('<Read Number="1" NumCycles="0"/><Read NumCycles="5"/>')
    info = parse_run_info(document.encode())
    assert [read.cycles for read in info.reads] == [5]
    assert info.reads_left_out == 0


@pytest.mark.parametrize(
    "attributes", ['NumCycles="many"', 'NumCycles="99999999"', "", 'NumCycles="-4"']
)
def test_reads_with_senseless_cycles_are_counted_as_left_out(attributes: str) -> None:
    document = run_info(f'<Read Number="1" {attributes}/>')
    info = parse_run_info(document.encode())
    assert (info.reads, info.reads_left_out) == ((), 1)


def test_reverse_complement_is_unknown_where_the_file_is_silent() -> None:
    document = run_info(
        '<Read Number="1" NumCycles="8" IsIndexedRead="Y" IsReverseComplement="Y"/>'
        '<Read Number="2" NumCycles="8" IsIndexedRead="Y" IsReverseComplement="N"/>'
        '<Read Number="3" NumCycles="8" IsIndexedRead="Y"/>'
    )
    assert parse_run_info(document.encode()).reads == (
        Read(1, 8, is_index=True, is_reverse_complement=True),
        Read(2, 8, is_index=True, is_reverse_complement=False),
        Read(3, 8, is_index=True, is_reverse_complement=None),
    )


def test_sections_multiply_the_tiles_of_a_nextseq() -> None:
    layout = (
        '<FlowcellLayout LaneCount="4" SurfaceCount="2" SwathCount="3" TileCount="12" '
        'SectionPerLane="3" LanePerSection="2"/>'
    )
    assert parse_run_info(run_info(rest=layout).encode()).tiles == 864


@pytest.mark.parametrize("count", ["0", "many", "999999999"])
def test_senseless_layout_has_no_tiles(count: str) -> None:
    layout = (
        f'<FlowcellLayout LaneCount="{count}" SurfaceCount="2" SwathCount="3" '
        'TileCount="12"/>'
    )
    assert parse_run_info(run_info(rest=layout).encode()).tiles is None


@pytest.mark.parametrize(
    "document", ["<RunInfo/>", "<RunParameters/>", "<html><Run/></html>"]
)
def test_other_documents_are_unreadable(document: str) -> None:
    with pytest.raises(Unreadable, match="is not a RunInfo file"):
        parse_run_info(document.encode())


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("120705", "2012-07-05T00:00:00"),
        ("20260312", "2026-03-12T00:00:00"),
        ("6/24/2020 4:30:24 PM", "2020-06-24T16:30:24"),
        ("12/1/2020 12:00:01 AM", "2020-12-01T00:00:01"),
        ("06/24/2020 16:30:00", "2020-06-24T16:30:00"),
        ("2026-03-12T14:25:57Z", "2026-03-12T14:25:57+00:00"),
        ("2020-06-24T18:29:14-07:00", "2020-06-24T18:29:14-07:00"),
        ("2024-02-02T10:11:12.1234567+01:00", "2024-02-02T10:11:12.123456+01:00"),
    ],
)
def test_dates_of_every_form_are_read(raw: str, iso: str) -> None:
    found = parse_date(raw)
    assert found is not None
    assert found.isoformat() == iso


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "yesterday",
        "123456",
        "20261399",
        "24/6/2020 4:30:24 PM",
        "0001-01-01T00:00:00",
        "12/31/2169 00:00:00",
        "2020-06-24T25:00:00",
        "9" * 300,
    ],
)
def test_what_is_no_date_is_none(raw: str | None) -> None:
    assert parse_date(raw) is None


def test_garbage_date_is_kept_raw() -> None:
    info = parse_run_info(run_info(rest="<Date>last week</Date>").encode())
    assert (info.date_raw, info.started_at) == ("last week", None)
