"""Element AVITI. No real folder is at hand: all files here are made up."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfolders.choices import Outcome
from runfolders.engine.element import READER
from runfolders.engine.facts import Ending, NotARun, Read, Unreadable
from runfolders.engine.listing import list_folder

from .folders import listing_of, make_folder

NAME = "20240926_AV242106_A2349523513"
PARAMETERS: dict[str, Any] = {
    "FileVersion": "5.0.0",
    "RunName": "A2349523513",
    "RunID": "6b2f0c1e-7f2f-4ac7-8f7e-3f1f1f8ad001",
    "RunType": "Sequencing",
    "Side": "SideA",
    "FlowcellID": "2349523513",
    "Date": "2024-09-26T12:31:08.123456789Z",
    "InstrumentName": "AV242106",
    "OperatorName": "Åsa",
    "RunFolderName": NAME,
    "Cycles": {"R1": 151, "R2": 151, "I1": 8, "I2": 0},
    "ReadOrder": "I1,I2,R1,R2",
    "KitConfiguration": "300Cycles",
    "ChemistryVersion": "Cloudbreak",
    "PlatformVersion": "3.1.0",
    "AnalysisLanes": "1+2",
    "Consumables": {"SequencingCartridge": {"SerialNumber": "SC-1"}},
}


def run_folder(parent: Path, name: str = NAME, **changes: Any) -> Path:
    content = json.dumps(PARAMETERS | changes)
    return make_folder(parent / name, {"RunParameters.json": content})


def test_it_reads_run_parameters(tmp_path: Path) -> None:
    listing = listing_of(run_folder(tmp_path))
    assert READER.claims(listing)
    facts = READER.read(listing)
    assert (facts.platform, facts.run_id) == ("element", NAME)
    assert (facts.instrument_id, facts.instrument_model) == ("AV242106", "AVITI")
    assert (facts.flow_cell, facts.side, facts.lanes) == ("2349523513", "A", 2)
    assert facts.started_at == dt.datetime(
        2024, 9, 26, 12, 31, 8, 123456, tzinfo=dt.UTC
    )
    assert facts.reads == (Read(1, 8, True), Read(2, 151, False), Read(3, 151, False))
    assert facts.reagent_kit == "SC-1"
    assert facts.software == "AVITI OS 3.1.0"
    assert (facts.experiment_name, facts.operator) == ("A2349523513", "Åsa")
    assert len(facts.digest) == 64
    assert facts.problems == ()


def test_the_flow_cell_may_stand_with_the_consumables(tmp_path: Path) -> None:
    consumables = {"Flowcell": {"SerialNumber": "2349523513"}}
    folder = run_folder(tmp_path, FlowcellID=None, Consumables=consumables)
    assert READER.read(listing_of(folder)).flow_cell == "2349523513"


def test_a_renamed_folder_is_a_problem(tmp_path: Path) -> None:
    facts = READER.read(listing_of(run_folder(tmp_path, name="renamed")))
    assert facts.run_id == NAME
    assert [problem.code for problem in facts.problems] == ["run_id_mismatch"]


def test_values_of_the_wrong_type_say_nothing(tmp_path: Path) -> None:
    folder = run_folder(
        tmp_path,
        Side=["A"],
        Date={},
        Cycles={"R1": "x", "R2": -1, "I1": None, "I2": 10**9},
        ReadOrder={},
        AnalysisLanes="",
        Consumables="none",
        OperatorName="a\x00b\ud800",
    )
    facts = READER.read(listing_of(folder))
    assert (facts.side, facts.started_at, facts.reads, facts.lanes) == (
        None,
        None,
        (),
        None,
    )
    assert facts.reagent_kit is None
    assert facts.operator == "a b"


@pytest.mark.parametrize("run_type", ["Wash", "Prime"])
def test_a_wash_is_not_a_run(run_type: str, tmp_path: Path) -> None:
    with pytest.raises(NotARun, match=run_type):
        READER.read(listing_of(run_folder(tmp_path, RunType=run_type)))


def test_a_pressure_check_is_not_claimed(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, name="20240926_AV242106_FlowcellPressureCheck1")
    assert not READER.claims(listing_of(folder))


def test_run_parameters_of_another_program_are_not_a_run(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "x", {"RunParameters.json": '{"threads": 4}'})
    with pytest.raises(NotARun):
        READER.read(listing_of(folder))


@pytest.mark.parametrize("content", ["", "{", "[]", "\0\0", "[" * 100_000])
def test_a_half_written_file_is_unreadable(content: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {"RunParameters.json": content})
    with pytest.raises(Unreadable, match=r"RunParameters\.json"):
        READER.read(listing_of(folder))


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*PARAMETERS, "R1"]), inner)
        ),
    )
)
def test_no_json_makes_it_raise_anything_else(value: Any) -> None:
    with tempfile.TemporaryDirectory() as parent:
        content = {"RunParameters.json": json.dumps(value)}
        listing = listing_of(make_folder(Path(parent) / NAME, content))
        with contextlib.suppress(NotARun, Unreadable):
            READER.read(listing)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"outcome": "OutcomeCompleted"}', Ending(Outcome.OK, "OutcomeCompleted")),
        ('{"outcome": "OutcomeFailed"}', Ending(Outcome.FAILED, "OutcomeFailed")),
        ('{"outcome": "OutcomeOdd"}', Ending(Outcome.UNKNOWN, "OutcomeOdd")),
        ("{}", Ending(Outcome.UNKNOWN, message="RunUploaded.json names no outcome.")),
    ],
)
def test_run_uploaded_is_the_last_marker_and_tells_the_outcome(
    content: str, expected: Ending, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path)
    make_folder(folder, {"AvitiRunStats.json": "{}"})
    assert set(READER.markers(listing_of(folder))) == {"AvitiRunStats.json"}
    assert READER.ending(listing_of(folder)) is None
    make_folder(folder, {"RunUploaded.json": content})
    os.utime(folder / "RunUploaded.json", (5, 1234))
    markers = READER.markers(listing_of(folder))
    assert markers["RunUploaded.json"] == 1234
    assert READER.ending(listing_of(folder)) == expected


@pytest.mark.parametrize("content", ["", '{"outcome": "Outcome'])
def test_run_uploaded_counts_once_it_is_whole(content: str, tmp_path: Path) -> None:
    folder = make_folder(run_folder(tmp_path), {"RunUploaded.json": content})
    assert READER.markers(listing_of(folder)) == {}
    message = "RunUploaded.json is not whole or not JSON."
    assert READER.ending(listing_of(folder)) == Ending(Outcome.UNKNOWN, message=message)


def test_it_counts_cycles_by_their_base_calls(tmp_path: Path) -> None:
    folder = run_folder(tmp_path)
    facts = READER.read(listing_of(folder))
    assert READER.cycles_done(listing_of(folder), facts) == 0
    names = ["I1_C001.zip", "I1_C002.zip", "R1_C001.zip", "R1_C001.zip.tmp", "x.zip"]
    make_folder(folder, {f"BaseCalls/{name}": "" for name in names})
    assert READER.cycles_done(listing_of(folder), facts) == 3


def test_run_parameters_that_are_no_file_are_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "RunParameters.json")
    listing, _ = list_folder(tmp_path, READER.watched)
    assert READER.claims(listing)
    with pytest.raises(Unreadable, match=r"is no regular file \(a named pipe\)"):
        READER.read(listing)
