"""Oxford Nanopore. No real folder is at hand: all files here are made up."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from runfolders.choices import Outcome
from runfolders.engine.facts import NotARun, Unreadable
from runfolders.engine.ont import READER

from .folders import listing_of, make_folder

NAME = "20240131_1005_1A_PAU12345_6f0b1a2c"
SUMMARY = f"final_summary_PAU12345_6f0b1a2c_{'c7e8d0f1'}.txt"
WHOLE = """instrument=PC24B149
position=1A
flow_cell_id=PAU12345
sample_id=S1
protocol_group_id=Experiment 7
protocol=sequencing/sequencing_PRO114_DNA_e8_2_400K:FLO-PRO114M:SQK-LSK114:400
protocol_run_id=6f0b1a2c-0000-4000-8000-000000000000
acquisition_run_id=c7e8d0f1-0000-4000-8000-000000000000
started=2024-01-31T10:05:12.345678+01:00
acquisition_stopped=2024-02-03T10:05:12.345678+01:00
basecalling_enabled=1
pod5_files_in_final_dest=12
pod5_files_in_fallback=0
fastq_files_in_final_dest=7
fastq_files_in_fallback=0
"""


def test_a_running_one_is_known_by_its_name(tmp_path: Path) -> None:
    listing = listing_of(make_folder(tmp_path / NAME, {}))
    assert READER.claims(listing)
    facts = READER.read(listing)
    assert (facts.run_id, facts.flow_cell) == (NAME, "PAU12345")
    assert (facts.instrument_model, facts.instrument_id) == ("PromethION", None)
    assert str(facts.started_at) == "2024-01-31 10:05:00"
    assert facts.extra["position"] == "1A"
    assert READER.markers(listing) == {}
    assert READER.ending(listing) is None
    assert READER.cycles_done(listing, facts) is None


@pytest.mark.parametrize("name", [SUMMARY, "final_summary.txt"])
def test_the_final_summary_completes_it(name: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {name: WHOLE})
    os.utime(folder / name, (5, 1234))
    listing = listing_of(folder)
    assert READER.markers(listing) == {"final_summary.txt": 1234}
    ending = READER.ending(listing)
    assert ending
    assert ending.outcome == Outcome.OK
    facts = READER.read(listing)
    assert facts.instrument_id == "PC24B149"
    assert (facts.flow_cell_mode, facts.chemistry) == ("FLO-PRO114M", "SQK-LSK114")
    assert facts.experiment_name == "Experiment 7"
    assert facts.extra["sample_id"] == "S1"
    assert facts.started_at
    assert facts.started_at.utcoffset() == dt.timedelta(hours=1)


def test_the_digest_is_the_same_before_and_after_the_end(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {})
    before = READER.read(listing_of(folder)).digest
    make_folder(folder, {SUMMARY: WHOLE})
    assert READER.read(listing_of(folder)).digest == before != ""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (WHOLE.replace("pod5_files_in_fallback=0", "pod5_files_in_fallback=3"),
         "files_in_fallback"),
        ("", "final_summary_incomplete"),
        (WHOLE[:300], "final_summary_incomplete"),
        ("pod5_files_in_fallback=", "final_summary_incomplete"),
    ],
)  # fmt: skip
def test_a_summary_that_proves_nothing_is_a_problem_and_no_marker(
    content: str, code: str, tmp_path: Path
) -> None:
    listing = listing_of(make_folder(tmp_path / NAME, {SUMMARY: content}))
    assert READER.markers(listing) == {}
    problems = READER.read(listing).problems
    assert [problem.code for problem in problems] == [code]
    ending = READER.ending(listing)
    assert ending
    assert (ending.outcome, ending.message) == (Outcome.UNKNOWN, problems[0].message)


def test_every_summary_must_be_whole(tmp_path: Path) -> None:
    other = WHOLE.replace("fastq_files_in_fallback=0", "fastq_files_in_fallback=1")
    files = {SUMMARY: WHOLE, "final_summary_PAU12345_6f0b1a2c_aaaaaaaa.txt": other}
    listing = listing_of(make_folder(tmp_path / NAME, files))
    assert READER.markers(listing) == {}


def test_a_huge_summary_is_unreadable(tmp_path: Path) -> None:
    listing = listing_of(make_folder(tmp_path / NAME, {SUMMARY: "x" * 200_000}))
    with pytest.raises(Unreadable, match="larger"):
        READER.read(listing)
    assert READER.markers(listing) == {}
    ending = READER.ending(listing)
    assert ending
    assert ending.outcome == Outcome.UNKNOWN


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {})
    (folder / SUMMARY).write_bytes(
        b"\xff\xfe=\x00\n" + WHOLE.encode() + b"sample_id=\xe5\n"
    )
    assert READER.markers(listing_of(folder)).keys() == {"final_summary.txt"}


def test_test_cells_are_not_runs(tmp_path: Path) -> None:
    named = make_folder(tmp_path / "20240131_1005_1A_CTC12345_6f0b1a2c", {})
    assert not READER.claims(listing_of(named))
    summary = WHOLE.replace("PAU12345", "CTC12345")
    renamed = make_folder(tmp_path / "renamed", {SUMMARY: summary})
    with pytest.raises(NotARun, match="test cell"):
        READER.read(listing_of(renamed))


@pytest.mark.parametrize(
    ("files", "claimed"),
    [
        ({"pod5_pass/": ""}, True),
        ({"fastq_pass/": ""}, True),
        ({SUMMARY: WHOLE}, True),
        ({"fastq/": ""}, False),
        ({"notes.txt": ""}, False),
    ],
)
def test_a_renamed_one_is_known_by_its_content(
    files: dict[str, str], claimed: bool, tmp_path: Path
) -> None:
    listing = listing_of(make_folder(tmp_path / "renamed", files))
    assert READER.claims(listing) is claimed


@pytest.mark.parametrize(
    ("position", "model", "instrument"),
    [
        ("3H", "PromethION", None),
        ("2-E3-H3", "PromethION", None),
        ("X3", "GridION", None),
        ("MN12345", "MinION", "MN12345"),
        ("MD-100123", "MinION Mk1D", "MD-100123"),
    ],
)
def test_the_position_tells_the_model(
    position: str, model: str, instrument: str | None, tmp_path: Path
) -> None:
    name = f"20240131_1005_{position}_FAX12345_6f0b1a2c"
    listing = listing_of(make_folder(tmp_path / name, {}))
    assert READER.claims(listing)
    facts = READER.read(listing)
    assert (facts.instrument_model, facts.instrument_id) == (model, instrument)
