"""The simulator, judged by the readers. How the other platforms' folders look is taken
from what is written of them: no real ones are at hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from runfolders.choices import Outcome
from runfolders.engine.facts import Listing, RunFacts
from runfolders.engine.illumina.names import parse_name
from runfolders.engine.platform import PlatformReader
from runfolders.engine.registry import reader_for
from runfolders.engine.sample_sheet.checks import check_against_run
from runfolders.engine.sample_sheet.reading import read_sample_sheet
from runfolders.engine.simulator.plan import EndsAs, Plan, Step
from runfolders.engine.simulator.run import INSTRUMENTS, simulate

from .folders import listing_of

ILLUMINA = ["miseq", "novaseq6000", "nextseq2000", "novaseqx"]
LAST_MARKER = {
    **dict.fromkeys(ILLUMINA, "CopyComplete.txt"),
    "element": "RunUploaded.json",
    "ont": "final_summary.txt",
    "pacbio": "all cells transferred",
}
STARTED_AT = dt.datetime(2024, 1, 31, 10, 15, 7, tzinfo=dt.UTC)


def plan_of(directory: Path, instrument: str, **changes: Any) -> Plan:
    values: dict[str, Any] = {"started_at": STARTED_AT, "cycles": 20, "seed": 7}
    return Plan(directory, instrument, **(values | changes))


def run(directory: Path, instrument: str, **changes: Any) -> list[Step]:
    plan = plan_of(directory, instrument, **changes)
    return list(simulate(plan, sleep=lambda _: None))


def look(folder: Path) -> tuple[PlatformReader, Listing, RunFacts]:
    listing = listing_of(folder)
    reader = reader_for(listing)
    assert reader
    return reader, listing, reader.read(listing)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_whole_run_reads_as_one(instrument: str, tmp_path: Path) -> None:
    steps = run(tmp_path, instrument)
    reader, listing, facts = look(steps[0].folder)
    assert facts.problems == ()
    assert facts.run_id == steps[0].folder.name
    assert facts.instrument_id
    assert facts.instrument_model
    assert facts.started_at
    assert facts.started_at.date() == STARTED_AT.date()
    assert LAST_MARKER[instrument] in reader.markers(listing)
    assert reader.cycles_done(listing, facts) == (facts.total_cycles or None)
    ending = reader.ending(listing)
    assert ending is None or ending.outcome == Outcome.OK


@pytest.mark.parametrize("instrument", ILLUMINA)
def test_an_illumina_run_is_named_as_the_instrument_would(
    instrument: str, tmp_path: Path
) -> None:
    folder = run(tmp_path, instrument)[0].folder
    _, _, facts = look(folder)
    name = parse_name(folder.name, facts.instrument_model)
    assert name
    assert (name.instrument_id, name.run_number, name.flow_cell) == (
        facts.instrument_id,
        facts.run_number,
        facts.flow_cell,
    )
    assert facts.read_structure == "6-4-4-6"


@pytest.mark.parametrize("instrument", ILLUMINA)
def test_its_sample_sheet_has_no_problems(instrument: str, tmp_path: Path) -> None:
    folder = run(tmp_path, instrument, cycles=None)[0].folder
    sheet = read_sample_sheet(folder / "SampleSheet.csv")
    assert len(sheet.samples) == 4
    assert sheet.problems == check_against_run(sheet, look(folder)[2]) == ()


@pytest.mark.parametrize("instrument", ILLUMINA)
def test_cycles_grow_one_by_one(instrument: str, tmp_path: Path) -> None:
    seen = []
    for step in simulate(plan_of(tmp_path, instrument), sleep=lambda _: None):
        if step.message.startswith("cycle "):
            reader, listing, facts = look(step.folder)
            assert LAST_MARKER[instrument] not in reader.markers(listing)
            seen.append(reader.cycles_done(listing, facts))
    assert seen == list(range(1, 21))


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_last_marker_comes_last(instrument: str, tmp_path: Path) -> None:
    for step in simulate(plan_of(tmp_path, instrument), sleep=lambda _: None):
        # The very first step is a folder that has nothing in it yet.
        if any(step.folder.iterdir()):
            reader, listing, _ = look(step.folder)
            if LAST_MARKER[instrument] in reader.markers(listing):
                break
    before_the_end = contents(step.folder)
    run_again = tmp_path / "again"
    run_again.mkdir()
    assert before_the_end == contents(run(run_again, instrument)[0].folder)


@pytest.mark.parametrize(
    ("instrument", "outcome"),
    [
        ("miseq", Outcome.ENDED_EARLY),
        ("novaseq6000", Outcome.ENDED_EARLY),
        ("nextseq2000", Outcome.OK),
        ("novaseqx", Outcome.OK),
        ("element", Outcome.OK),
    ],
)
def test_a_run_that_ends_early_has_fewer_cycles_and_all_markers(
    instrument: str, outcome: Outcome, tmp_path: Path
) -> None:
    folder = run(tmp_path, instrument, ends_as=EndsAs.EARLY)[0].folder
    reader, listing, facts = look(folder)
    assert reader.cycles_done(listing, facts) == 12
    assert LAST_MARKER[instrument] in reader.markers(listing)
    ending = reader.ending(listing)
    assert ending
    assert ending.outcome == outcome


@pytest.mark.parametrize("instrument", [*ILLUMINA, "element"])
def test_a_run_that_fails_says_so(instrument: str, tmp_path: Path) -> None:
    folder = run(tmp_path, instrument, ends_as=EndsAs.FAIL)[0].folder
    reader, listing, facts = look(folder)
    assert reader.cycles_done(listing, facts) == 8
    ending = reader.ending(listing)
    assert ending
    assert ending.outcome == Outcome.FAILED


@pytest.mark.parametrize("instrument", ["ont", "pacbio"])
def test_where_nothing_says_failed_the_last_marker_is_missing(
    instrument: str, tmp_path: Path
) -> None:
    folder = run(tmp_path, instrument, ends_as=EndsAs.FAIL)[0].folder
    reader, listing, _ = look(folder)
    assert LAST_MARKER[instrument] not in reader.markers(listing)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_run_that_stalls_has_no_marker(instrument: str, tmp_path: Path) -> None:
    steps = run(tmp_path, instrument, ends_as=EndsAs.STALL)
    assert (steps[-1].message, steps[-1].done) == ("stalled", 10)
    reader, listing, _ = look(steps[0].folder)
    assert LAST_MARKER[instrument] not in reader.markers(listing)
    assert reader.ending(listing) is None


@pytest.mark.parametrize(
    ("instrument", "drop"),
    [
        ("novaseq6000", "CopyComplete.txt"),
        ("novaseq6000", "runinfo.xml"),
        ("ont", "final_summary*"),
    ],
)
def test_a_dropped_file_never_arrives(
    instrument: str, drop: str, tmp_path: Path
) -> None:
    whole = contents(run(tmp_path, instrument, name="whole")[0].folder)
    short = contents(run(tmp_path, instrument, name="short", drop=drop)[0].folder)
    (missing,) = set(whole) - set(short)
    assert Path(missing.lower()).match(drop.lower())


def test_it_says_when_there_was_nothing_to_drop(tmp_path: Path) -> None:
    steps = run(tmp_path, "miseq", drop="CopyComplet.txt")
    assert "nothing was dropped" in steps[-2].message


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_same_plan_writes_the_same_run(instrument: str, tmp_path: Path) -> None:
    folders = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        folders.append(run(tmp_path / name, instrument)[0].folder)
    assert folders[0].name == folders[1].name
    assert contents(folders[0]) == contents(folders[1])


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    names = {run(tmp_path, "miseq", seed=seed)[0].folder.name for seed in range(5)}
    assert len(names) == 5


def test_it_never_writes_into_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(FileExistsError):
        run(tmp_path, "miseq", name="taken")
    assert list((tmp_path / "taken").iterdir()) == []


def test_it_takes_the_time_that_it_was_given(tmp_path: Path) -> None:
    slept: list[float] = []
    plan = plan_of(tmp_path, "novaseq6000", seconds=90)
    list(simulate(plan, sleep=slept.append))
    assert sum(slept) == pytest.approx(90)


@pytest.mark.parametrize("cycles", [1, 2, 5, 9])
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_short_runs_are_runs(instrument: str, cycles: int, tmp_path: Path) -> None:
    folder = run(tmp_path, instrument, cycles=cycles)[0].folder
    reader, listing, facts = look(folder)
    assert facts.total_cycles in {cycles, 0}
    assert LAST_MARKER[instrument] in reader.markers(listing)
