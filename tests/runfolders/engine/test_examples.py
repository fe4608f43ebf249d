from __future__ import annotations

from pathlib import Path

import pytest

from runfolders.choices import Outcome
from runfolders.engine.examples import install_examples
from runfolders.engine.registry import reader_for

from .folders import listing_of


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("instrument")
    install_examples(directory)
    return directory


def test_every_example_is_a_run_folder_of_its_name(installed: Path) -> None:
    folders = sorted(installed.iterdir())
    assert len(folders) == 6
    for folder in folders:
        reader = reader_for(listing_of(folder))
        assert reader
        facts = reader.read(listing_of(folder))
        # The NovaSeq's real folder has another name than its RunInfo.xml.
        assert facts.run_id == folder.name.replace("TINY", "DRXX")
        assert facts.instrument_model
        assert facts.total_cycles > 50


@pytest.mark.parametrize(
    ("name", "last_marker"),
    [
        ("200624_A00834_0183_BHMTFYTINY", "CopyComplete.txt"),
        ("230825_M04034_0043_000000000-L6NVV", "CopyComplete.txt"),
        ("120705_M00903_0009_A000000000-A12V4", "CopyComplete.txt"),
        ("150424_ST-E00214_0031_BH2WY7CCXX", "RTAComplete.txt"),
        ("170726_D00118_0303_BCB1TVANXX", "RTAComplete.txt"),
    ],
)
def test_complete_ones_have_their_last_marker(
    name: str, last_marker: str, installed: Path
) -> None:
    listing = listing_of(installed / name)
    reader = reader_for(listing)
    assert reader
    assert last_marker in reader.markers(listing)


def test_one_still_waits_for_its_last_marker(installed: Path) -> None:
    listing = listing_of(installed / "170920_D00118_0309_BHVLWWBCXY")
    reader = reader_for(listing)
    assert reader
    assert set(reader.markers(listing)) == {"Basecalling_Netcopy_complete.txt"}


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("230825_M04034_0043_000000000-L6NVV", Outcome.OK),
        ("120705_M00903_0009_A000000000-A12V4", Outcome.ENDED_EARLY),
    ],
)
def test_the_status_tells_how_it_ended(
    name: str, outcome: Outcome, installed: Path
) -> None:
    listing = listing_of(installed / name)
    reader = reader_for(listing)
    assert reader
    ending = reader.ending(listing)
    assert ending
    assert ending.outcome == outcome


def test_a_second_time_nothing_is_touched(tmp_path: Path) -> None:
    made = install_examples(tmp_path)
    (made[0] / "RunInfo.xml").unlink()
    assert install_examples(tmp_path) == []
    assert not (made[0] / "RunInfo.xml").exists()


def test_what_is_missing_is_made_again_over_a_leftover(tmp_path: Path) -> None:
    made = install_examples(tmp_path)
    made[0].rename(made[0].with_name(f".{made[0].name}.partial"))
    assert install_examples(tmp_path) == [made[0]]
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []
