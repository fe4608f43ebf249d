"""Names of Illumina run folders; the names are those of real runs."""

from __future__ import annotations

import pytest

from runfolders.engine.illumina.names import parse_name


@pytest.mark.parametrize(
    ("name", "instrument", "number", "side", "flow_cell"),
    [
        ("120705_M00903_0009_A000000000-A12V4", "M00903", 9, None, "000000000-A12V4"),
        ("230825_M04034_0043_000000000-L6NVV", "M04034", 43, None, "000000000-L6NVV"),
        ("160822_ML-P2-01_0042_A000H02MNK", "ML-P2-01", 42, None, "000H02MNK"),
        (
            "20200624_FS10000106_66_BPA73105-2609",
            "FS10000106",
            66,
            None,
            "BPA73105-2609",
        ),
        ("160630_NS500179_0099_AHW3YTBGXX", "NS500179", 99, None, "HW3YTBGXX"),
        (
            "260625_NDX550543_RUO_0009_AHCJNVBGY2",
            "NDX550543_RUO",
            9,
            None,
            "HCJNVBGY2",
        ),
        ("240131_VH00384_146_AACCHKLHV", "VH00384", 146, None, "AACCHKLHV"),
        ("240626_VH01314_137_2222T3KNX", "VH01314", 137, None, "2222T3KNX"),
        ("170726_D00118_0303_BCB1TVANXX", "D00118", 303, "B", "CB1TVANXX"),
        ("150424_ST-E00214_0031_BH2WY7CCXX", "ST-E00214", 31, "B", "H2WY7CCXX"),
        ("200624_A00834_0183_BHMTFYDRXX", "A00834", 183, "B", "HMTFYDRXX"),
        ("20231108_LH00188_0028_B22F52TLT3", "LH00188", 28, "B", "22F52TLT3"),
    ],
)
def test_it_takes_names_apart(
    name: str, instrument: str, number: int, side: str | None, flow_cell: str
) -> None:
    found = parse_name(name)
    assert found is not None
    assert (found.instrument_id, found.run_number) == (instrument, number)
    assert (found.side, found.flow_cell) == (side, flow_cell)
    assert found.date == name.partition("_")[0]
    assert found.text == ""


def test_miseq_i100_names_its_cartridge_and_no_flow_cell() -> None:
    found = parse_name("20260312_SH01140_0005_ASC2177698-SC3")
    assert found is not None
    assert found.flow_cell is None
    assert found.side is None
    assert found.cartridge == "SC2177698-SC3"


def test_free_text_is_kept_apart() -> None:
    found = parse_name(
        "151014_D00154_0539_AHCTK2BCXX_HiSeq 2500_TruSeq Exome_12 replicates of NA12878"
    )
    assert found is not None
    assert (found.side, found.flow_cell) == ("A", "HCTK2BCXX")
    assert found.text == "HiSeq 2500_TruSeq Exome_12 replicates of NA12878"


def test_side_that_stands_alone_is_no_flow_cell() -> None:
    found = parse_name("171116_HF1_24359_A_HLG55BBXX", model="HiSeq 4000")
    assert found is not None
    assert (found.side, found.flow_cell, found.text) == ("A", None, "HLG55BBXX")


def test_unknown_instrument_keeps_all_letters_unless_its_model_is_told() -> None:
    name = "131212_1270_0870_A02D224"
    unknown, told = parse_name(name), parse_name(name, model="HiSeq")
    assert unknown is not None
    assert (unknown.side, unknown.flow_cell) == (None, "A02D224")
    assert told is not None
    assert (told.side, told.flow_cell) == ("A", "02D224")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Data",
        "20240131_1005_1A_PAU12345_6f0b1a2c"[:13],
        "r84001_20240131_101500",
        "200624_A00834_0183",
        "200624_A00834_x183_BHMTFYDRXX",
        "1234567_A00834_0183_BHMTFYDRXX",
        "٢٠٠٦٢٤_A00834_0183_BHMTFYDRXX",
        "prefix 200624_A00834_0183_BHMTFYDRXX",
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert parse_name(name) is None


def test_one_digit_run_number_is_fine() -> None:
    found = parse_name("240131_VH00384_9_AACCHKLHV")
    assert found is not None
    assert found.run_number == 9
