"""PacBio. No real folder is at hand: all files here are made up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runfolders.engine.pacbio import READER

from .folders import listing_of, make_folder

NAME = "r84001_20240131_101500"
MOVIE = "m84001_240131_101512_s1"
METADATA = """<?xml version="1.0" encoding="utf-8"?>
<PacBioDataModel xmlns="http://pacificbiosciences.com/PacBioDataModel.xsd">
 <ExperimentContainer><Runs><Run><Outputs><SubreadSets><SubreadSet><DataSetMetadata>
  <Collections xmlns="http://pacificbiosciences.com/PacBioCollectionMetadata.xsd">
   <CollectionMetadata InstrumentId="84001" InstrumentName="Revio One">
    <WellSample Name="{sample}"/><CellPac Barcode="{barcode}"/>
   </CollectionMetadata>
  </Collections>
 </DataSetMetadata></SubreadSet></SubreadSets></Outputs></Run></Runs></ExperimentContainer>
</PacBioDataModel>
"""
CELL_1 = {
    f"1_A01/metadata/{MOVIE}.metadata.xml": METADATA.format(sample="S1", barcode="EA1")
}
CELL_2 = {
    f"1_B01/metadata/{MOVIE}.metadata.xml": METADATA.format(sample="S2", barcode="EA2")
}


def test_it_reads_the_name_and_the_cell(tmp_path: Path) -> None:
    listing = listing_of(make_folder(tmp_path / NAME, CELL_1))
    assert READER.claims(listing)
    facts = READER.read(listing)
    assert (facts.run_id, facts.instrument_id) == (NAME, "r84001")
    assert (facts.instrument_model, facts.flow_cell) == ("Revio", "EA1")
    assert str(facts.started_at) == "2024-01-31 10:15:00"
    assert facts.extra["instrument_name"] == "Revio One"
    assert facts.extra["samples"] == "S1"
    assert facts.problems == ()
    assert READER.cycles_done(listing, facts) is None
    assert READER.ending(listing) is None


def test_several_cells_have_no_common_flow_cell(tmp_path: Path) -> None:
    facts = READER.read(listing_of(make_folder(tmp_path / NAME, CELL_1 | CELL_2)))
    assert facts.flow_cell is None
    assert facts.extra["cells"] == "1_A01, 1_B01"
    assert facts.extra["cell_barcodes"] == "EA1, EA2"
    assert facts.extra["samples"] == "S1, S2"


def test_hidden_metadata_of_a_sequel_is_found(tmp_path: Path) -> None:
    content = METADATA.format(sample="S1", barcode="DA1")
    files = {"1_A01/.m64001e_200101_000000.metadata.xml": content}
    facts = READER.read(
        listing_of(make_folder(tmp_path / "r64001e_20200101_000000", files))
    )
    assert (facts.instrument_model, facts.flow_cell) == ("Sequel IIe", "DA1")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<a",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "<a>" * 5000,
    ],
)
def test_metadata_that_cannot_be_read_is_a_problem(
    content: str, tmp_path: Path
) -> None:
    files = {f"1_A01/metadata/{MOVIE}.metadata.xml": content}
    facts = READER.read(listing_of(make_folder(tmp_path / NAME, files | CELL_2)))
    assert [problem.code for problem in facts.problems] == ["cell_metadata_unreadable"]
    assert "1_A01" in facts.problems[0].message
    assert facts.flow_cell == "EA2"


def test_the_digest_does_not_change_with_the_cells(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {})
    before = READER.read(listing_of(folder)).digest
    make_folder(folder, CELL_1)
    assert READER.read(listing_of(folder)).digest == before != ""


@pytest.mark.parametrize("place", ["metadata/", ""])
def test_all_cells_must_be_transferred(place: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {"1_A01/": "", "1_B01/": ""})
    assert READER.markers(listing_of(folder)) == {}
    make_folder(folder, {f"1_A01/{place}{MOVIE}.transferdone": "nfiles: 3\n"})
    assert READER.markers(listing_of(folder)) == {}
    make_folder(folder, {f"1_B01/{place}{MOVIE}.transferdone": "nfiles: 3\n"})
    os.utime(folder / f"1_A01/{place}{MOVIE}.transferdone", (5, 1234))
    os.utime(folder / f"1_B01/{place}{MOVIE}.transferdone", (5, 5678))
    assert READER.markers(listing_of(folder)) == {"all cells transferred": 5678}


def test_a_directory_or_a_dangling_link_is_no_marker(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / NAME, {"1_A01/metadata/a.transferdone/": ""})
    (folder / "1_A01" / "metadata" / "b.transferdone").symlink_to("nowhere")
    assert READER.markers(listing_of(folder)) == {}


def test_a_run_without_cells_is_not_transferred(tmp_path: Path) -> None:
    assert READER.markers(listing_of(make_folder(tmp_path / NAME, {}))) == {}


@pytest.mark.parametrize(
    ("name", "files", "claimed"),
    [
        (NAME, {}, True),
        ("r64001e_20200101_000000", {}, True),
        ("renamed", {"1_A01/": ""}, True),
        ("results", {"plots/": ""}, False),
    ],
)
def test_it_claims_names_and_cells(
    name: str, files: dict[str, str], claimed: bool, tmp_path: Path
) -> None:
    assert READER.claims(listing_of(make_folder(tmp_path / name, files))) is claimed


def test_a_renamed_run_keeps_its_id(tmp_path: Path) -> None:
    facts = READER.read(listing_of(make_folder(tmp_path / f"{NAME}_old", {})))
    assert facts.run_id == NAME
    assert [problem.code for problem in facts.problems] == ["run_id_mismatch"]
