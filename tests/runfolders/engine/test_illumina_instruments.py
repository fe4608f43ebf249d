"""Which model an instrument is."""

from __future__ import annotations

import pytest

from runfolders.engine.illumina.instruments import by_instrument_id, detect


@pytest.mark.parametrize(
    ("instrument_id", "model"),
    [
        ("M04034", "MiSeq"),
        ("HWI-M1234", "MiSeq"),
        ("MN00123", "MiniSeq"),
        ("ML-P2-01", "MiniSeq"),
        ("SH01140", "MiSeq i100"),
        ("SL00001", "MiSeq i100"),
        ("FS10000106", "iSeq 100"),
        ("NS500128", "NextSeq 500"),
        ("NB501234", "NextSeq 500"),
        ("NB551234", "NextSeq 550"),
        ("NDX550543", "NextSeq 550Dx"),
        ("NDX550543_RUO", "NextSeq 550Dx"),
        ("VL00123", "NextSeq 1000"),
        ("VH00384", "NextSeq 2000"),
        ("HWUSI-EAS100", "Genome Analyzer II"),
        ("HWI-EAS123", "Genome Analyzer II"),
        ("SN123", "HiSeq 1000/2000"),
        ("SN7001234", "HiSeq 1000/2000"),
        ("HWI-ST123", "HiSeq 1000/2000"),
        ("C00123", "HiSeq 1500"),
        ("HWI-C00123", "HiSeq 1500"),
        ("D00118", "HiSeq 2500"),
        ("HWI-D00118", "HiSeq 2500"),
        ("J00123", "HiSeq 3000"),
        ("K00123", "HiSeq 4000"),
        ("E00214", "HiSeq X"),
        ("ST-E00214", "HiSeq X"),
        ("A00834", "NovaSeq 6000"),
        ("LH00188", "NovaSeq X"),
    ],
)
def test_it_knows_the_ids_of_each_model(instrument_id: str, model: str) -> None:
    assert detect(instrument_id).model == model


@pytest.mark.parametrize("instrument_id", ["1270", "AV242106", "A1", "XXXXXX", None])
def test_unknown_ids_have_no_model(instrument_id: str | None) -> None:
    assert by_instrument_id(instrument_id) is None
    assert detect(instrument_id).model is None


@pytest.mark.parametrize(
    ("application", "model"),
    [
        ("MiSeq Control Software", "MiSeq"),
        ("MiniSeq Control Software", "MiniSeq"),
        ("iSeq Control Software", "iSeq 100"),
        ("HiSeq Control Software", "HiSeq"),
        ("HiSeq X Control Software", "HiSeq X"),
        ("NextSeq Control Software", "NextSeq 500/550"),
        ("NextSeq 1000/2000 Control Software", "NextSeq 1000/2000"),
        ("NovaSeq Control Software", "NovaSeq 6000"),
        ("NovaSeqXSeries Control Software", "NovaSeq X"),
        ("MiSeqi100Series Control Software", "MiSeq i100"),
        ("control-software", None),
        (None, None),
    ],
)
def test_names_inside_other_names_are_told_apart(
    application: str | None, model: str | None
) -> None:
    assert detect(None, application=application).model == model


def test_instrument_type_wins_over_application_and_id() -> None:
    plus = detect(
        "LH00188", instrument_type="NovaSeqXPlus", application="control-software"
    )
    assert plus.model == "NovaSeq X Plus"
    i100 = detect("SH01140", instrument_type="MiSeqi100Plus", application="MiSeq")
    assert i100.model == "MiSeq i100 Plus"
    assert plus.contradicted_by is None
    assert i100.contradicted_by is None


@pytest.mark.parametrize(
    ("flow_cell", "model"),
    [
        ("HiSeq X HD v2", "HiSeq X"),
        ("HiSeq 3000/4000 PE", "HiSeq 3000/4000"),
        ("HiSeq Flow Cell v4", "HiSeq 2500"),
        ("HiSeq Rapid Flow Cell v2", "HiSeq 2500"),
        ("Sapphire TSMC v3", "HiSeq"),
    ],
)
def test_flow_cell_text_tells_more_than_the_application(
    flow_cell: str, model: str
) -> None:
    application = "HiSeq Control Software"
    found = detect(None, flow_cell_text=flow_cell, application=application)
    assert found.model == model


@pytest.mark.parametrize(
    ("instrument_id", "application", "model"),
    [
        ("D00118", "HiSeq Control Software", "HiSeq 2500"),
        ("K00123", "HiSeq Control Software", "HiSeq 4000"),
        ("NB551234", "NextSeq Control Software", "NextSeq 550"),
        ("VH00384", "NextSeq 1000/2000 Control Software", "NextSeq 2000"),
        ("A00834", "NovaSeq Control Software", "NovaSeq 6000"),
    ],
)
def test_id_narrows_the_application_down(
    instrument_id: str, application: str, model: str
) -> None:
    found = detect(instrument_id, application=application)
    assert (found.model, found.contradicted_by) == (model, None)


def test_xml_is_kept_where_the_id_contradicts() -> None:
    found = detect("ST-E00214", application="MiSeq Control Software")
    assert (found.model, found.contradicted_by) == ("MiSeq", "HiSeq X")


def test_upgraded_instrument_is_no_contradiction() -> None:
    found = detect("VL00123", instrument_type="NextSeq2000")
    assert (found.model, found.contradicted_by) == ("NextSeq 2000", None)
