"""Markers and how a run ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runfolders.choices import Outcome
from runfolders.engine.facts import Ending
from runfolders.engine.illumina.reader import READER

from .listings import list_folder, make_folder


@pytest.mark.parametrize(
    "name",
    [
        "RunInfo.xml",
        "RunParameters.xml",
        "RTAComplete.txt",
        "RTAComplete.xml",
        "CopyComplete.txt",
        "SequenceComplete.txt",
        "SequencingComplete.txt",
        "RTARead1Complete.txt",
        "RTARead4Complete.txt",
        "Basecalling_Netcopy_complete.txt",
        "Basecalling_Netcopy_complete_Read2.txt",
        "Basecalling_Netcopy_complete_SINGLEREAD.txt",
        "ImageAnalysis_Netcopy_complete_READ2.txt",
        "RunCompletionStatus.xml",
        "CompletedJobInfo.xml",
        "QueuedForAnalysis.txt",
        "SampleSheet.csv",
        "SampleSheet_original.csv",
        "HMTFYDRXX.csv",
    ],
)
def test_it_watches_what_matters(name: str) -> None:
    assert READER.watched(name.lower())


@pytest.mark.parametrize(
    "name",
    [
        "data",
        "interop",
        "rtacomplete.txt.bak",
        ".runinfo.xml.x1y2z3",
        ".samplesheet.csv",
        "~samplesheet.csv",
        "rtareadcomplete.txt",
        "rtaread123456complete.txt",
        "s" * 200 + ".csv",
        "notes.txt",
        "",
    ],
)
def test_it_does_not_watch_the_rest(name: str) -> None:
    assert not READER.watched(name)


@pytest.mark.parametrize(
    ("name", "markers"),
    [
        ("RTAComplete.txt", {"RTAComplete.txt"}),
        ("RTAComplete.xml", {"RTAComplete.txt"}),
        ("rtacomplete.TXT", {"RTAComplete.txt"}),
        ("COPYCOMPLETE.TXT", {"CopyComplete.txt"}),
        ("SequenceComplete.txt", {"SequenceComplete.txt"}),
        ("SequencingComplete.txt", {"SequencingComplete.txt"}),
        ("RTARead2Complete.txt", {"RTARead2Complete.txt"}),
        ("RunCompletionStatus.xml", {"RunCompletionStatus.xml"}),
        (
            "Basecalling_Netcopy_complete_Read2.txt",
            {"Basecalling_Netcopy_complete_Read2.txt"},
        ),
        (
            "Basecalling_Netcopy_complete_READ2.txt",
            {
                "Basecalling_Netcopy_complete_Read2.txt",
                "Basecalling_Netcopy_complete.txt",
            },
        ),
        (
            "ImageAnalysis_Netcopy_complete_SINGLEREAD.txt",
            {
                "ImageAnalysis_Netcopy_complete_SINGLEREAD.txt",
                "ImageAnalysis_Netcopy_complete.txt",
            },
        ),
        ("RunInfo.xml", set()),
        ("SampleSheet.csv", set()),
    ],
)
def test_markers_are_named_as_the_rules_spell_them(
    tmp_path: Path, name: str, markers: set[str]
) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (1000, 2000.5))
    assert READER.markers(list_folder(tmp_path)) == dict.fromkeys(markers, 2000.5)


def test_of_two_that_mean_the_same_the_youngest_counts(tmp_path: Path) -> None:
    for name, mtime in (("RTAComplete.txt", 10), ("RTAComplete.xml", 20)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (mtime, mtime))
    assert READER.markers(list_folder(tmp_path)) == {"RTAComplete.txt": 20}


def test_marker_that_is_no_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "CopyComplete.txt").mkdir()
    (tmp_path / "RTAComplete.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "SequenceComplete.txt")
    assert READER.markers(list_folder(tmp_path)) == {}


def ending(folder: Path, body: str | bytes) -> Ending | None:
    content = body if isinstance(body, bytes) else body.encode()
    return READER.ending(
        list_folder(make_folder(folder, RunCompletionStatus_xml=content))
    )


def status(body: str) -> str:
    return f"<?xml version='1.0'?><RunCompletionStatus>{body}</RunCompletionStatus>"


@pytest.mark.parametrize(
    ("element", "word", "outcome"),
    [
        ("CompletionStatus", "CompletedAsPlanned", Outcome.OK),
        ("CompletionStatus", "SuccessfullyCompleted", Outcome.OK),
        ("CompletionStatus", "UserEndedEarly", Outcome.ENDED_EARLY),
        ("CompletionStatus", "ExceptionEndedEarly", Outcome.FAILED),
        ("CompletionStatus", "EatenByTheDog", Outcome.UNKNOWN),
        ("RunStatus", "RunCompleted", Outcome.OK),
        ("RunStatus", "RunErrored", Outcome.FAILED),
        ("RunStatus", "RunPaused", Outcome.UNKNOWN),
    ],
)
def test_the_end_is_read_in_both_dialects(
    tmp_path: Path, element: str, word: str, outcome: Outcome
) -> None:
    body = status(f"<RunId>r</RunId><{element}>{word}</{element}>")
    assert ending(tmp_path / "run", body) == Ending(outcome, raw=word)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<ErrorDescription>None</ErrorDescription>", ""),
        ("<ErrorDescription/>", ""),
        ("<ErrorDescription>Pump stalled</ErrorDescription>", "Pump stalled"),
        (
            "<ErrorDescription>&lt;b&gt;Pump&lt;/b&gt;</ErrorDescription>",
            "<b>Pump</b>",
        ),
        ("<ErrorDescription><b>Pump</b> off</ErrorDescription>", "Pump off"),
        (
            "<RunError><Type>Fluidics</Type><Message>Low</Message></RunError>",
            "Fluidics: Low",
        ),
        ("<RunError><Message>Low</Message></RunError>", "Low"),
    ],
)
def test_error_text_is_kept_as_text(tmp_path: Path, body: str, message: str) -> None:
    found = ending(tmp_path / "run", status(f"<RunStatus>RunErrored</RunStatus>{body}"))
    assert found == Ending(Outcome.FAILED, raw="RunErrored", message=message)


def test_error_text_is_bounded(tmp_path: Path) -> None:
    long = f"<Type>{'t' * 900}</Type><Message>{'m' * 900}</Message>"
    body = f"<RunStatus>RunErrored</RunStatus><RunError>{long}</RunError>"
    found = ending(tmp_path / "run", status(body))
    assert found is not None
    assert found.message == "t" * 500


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", b"<RunCompletionStatus><Run", b"<RunCompletionStatus/>"]
)
def test_status_that_says_nothing_is_unknown(tmp_path: Path, content: bytes) -> None:
    found = ending(tmp_path / "run", content)
    assert found is not None
    assert (found.outcome, found.raw) == (Outcome.UNKNOWN, "")
    assert "RunCompletionStatus.xml" in found.message


def test_on_board_analysis_does_not_tell_how_sequencing_ended(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / "run",
        CompletedJobInfo_xml="<AnalysisJobInfo><Error>bad</Error></AnalysisJobInfo>",
    )
    assert READER.ending(list_folder(folder)) is None
