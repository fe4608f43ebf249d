"""From the disk to the rows: a run's way from its first file to `ready`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from runfolders.choices import Outcome, Sequencing, State
from runfolders.conf import CompletionRule
from runfolders.models import Instrument, Root, Runfolder
from runfolders.services.sequencing import lift_override, override_sequencing
from runfolders.services.states import set_state
from seqhub.operations.choices import Source
from seqhub.operations.models import Attention, Event, Heartbeat
from seqhub.operations.services.events import Actor
from tests.factories import HOST
from tests.runfolders.runs import (
    HISEQ_4000,
    NEXTSEQ_2000,
    NOVASEQ,
    age,
    make_run,
    run_info,
    set_cycles_done,
    watch,
)
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
ANNA = Actor(Source.CONSOLE, "anna")
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def status(word: str, message: str = "") -> str:
    return (
        f"<RunCompletionStatus><RunStatus>{word}</RunStatus><RunError><Message>"
        f"{message}</Message></RunError></RunCompletionStatus>"
    )


def test_a_complete_run_is_found_and_offered(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    report = scan()
    row = row_of(folder)
    assert (row.run_id, row.name, row.flow_cell) == (NOVASEQ, NOVASEQ, "BHMTFYDRXX")
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.READY)
    assert row.completed_at is not None
    assert row.instrument == Instrument.objects.get(serial="A00834")
    assert row.read_structure == "36-10"
    assert row.sequencing_reason.startswith("CopyComplete.txt seen ")
    assert (report.total("new"), report.total("completed")) == (1, 1)
    event = Event.objects.get(runfolder_ref=row.pk)
    assert event.kind == "found"
    assert "CopyComplete.txt" in event.message


def test_a_run_fills_up_until_it_is_ready(root: Path) -> None:
    folder = make_run(root)
    scan()
    row = row_of(folder)
    assert (row.sequencing, row.state) == (Sequencing.SEQUENCING, State.NONE)
    (folder / "RTAComplete.txt").touch()
    scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.SETTLING
    assert row.sequencing_reason.startswith(
        "waiting for CopyComplete.txt; RTAComplete.txt seen "
    )
    (folder / "CopyComplete.txt").touch()
    scan()
    row.refresh_from_db()
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.READY)
    events = Event.objects.filter(runfolder_ref=row.pk).order_by("pk")
    assert [event.kind for event in events] == [
        "found",
        "sequencing_changed",
        "sequencing_changed",
        "state_changed",
    ]
    assert "RTAComplete.txt seen " in events[1].message


def test_the_grace_time_runs_from_first_sight(root: Path) -> None:
    folder = make_run(root, HISEQ_4000, markers=("RTAComplete.txt",))
    age(folder, 100 * 86_400)
    scan()
    row = row_of(folder)
    assert row.sequencing == Sequencing.SETTLING
    assert row.due_at is not None
    assert dt.timedelta(minutes=29) < row.due_at - timezone.now()
    scan(after_minutes=29)
    row.refresh_from_db()
    assert row.sequencing == Sequencing.SETTLING
    scan(after_minutes=31)
    row.refresh_from_db()
    assert row.sequencing == Sequencing.COMPLETE
    assert row.due_at is None


def test_a_marker_that_disappears_begins_anew(root: Path) -> None:
    folder = make_run(root, HISEQ_4000, markers=("RTAComplete.txt",))
    scan()
    (folder / "RTAComplete.txt").unlink()
    scan(after_minutes=20)
    row = row_of(folder)
    assert (row.sequencing, row.markers) == (Sequencing.SEQUENCING, {})
    (folder / "RTAComplete.txt").touch()
    scan(after_minutes=25)
    scan(after_minutes=50)
    row.refresh_from_db()
    assert row.sequencing == Sequencing.SETTLING
    scan(after_minutes=60)
    row.refresh_from_db()
    assert row.sequencing == Sequencing.COMPLETE


def test_a_marker_of_the_future_is_a_problem(root: Path) -> None:
    folder = make_run(root, HISEQ_4000, markers=("RTAComplete.txt",))
    ahead = timezone.now().timestamp() + 86_400
    os.utime(folder / "RTAComplete.txt", (ahead, ahead))
    scan()
    assert [p["code"] for p in row_of(folder).problems] == ["clock_skew"]
    scan(after_minutes=31)
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_markers_before_the_run_info_complete_nothing(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    whole = (folder / "RunInfo.xml").read_text()
    (folder / "RunInfo.xml").unlink()
    (folder / "RunParameters.xml").write_text(
        "<RunParameters><InstrumentName>A00834</InstrumentName></RunParameters>"
    )
    scan()
    row = row_of(folder)
    assert row.sequencing == Sequencing.SETTLING
    assert "waiting for RunInfo.xml" in row.sequencing_reason
    (folder / "RunInfo.xml").write_text(whole)
    scan()
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_the_sites_rule_holds_for_its_instrument_only(
    root: Path, settings: Settings
) -> None:
    rule = CompletionRule(instrument="A00834", require=["sync_done"], grace_minutes=0)
    watch(settings, root, completion_rules=[rule])
    own = make_run(root, NOVASEQ, markers=BOTH)
    other = make_run(root, "240131_A00001_0001_BHMTFYDRXY", markers=BOTH)
    scan()
    assert row_of(own).sequencing_reason.startswith("waiting for sync_done")
    assert row_of(other).sequencing == Sequencing.COMPLETE
    (own / "sync_done").touch()
    scan()
    assert row_of(own).sequencing == Sequencing.COMPLETE


def test_scans_without_a_change_are_counted(root: Path, settings: Settings) -> None:
    rule = CompletionRule(require=["CopyComplete.txt"], grace_minutes=0, stable_polls=2)
    watch(settings, root, completion_rules=[rule])
    folder = make_run(root, markers=BOTH)
    scan()
    age(folder)
    scan()
    scan()
    assert row_of(folder).sequencing == Sequencing.SETTLING
    (folder / "Logs").mkdir()
    age(folder)
    scan()
    scan()
    assert row_of(folder).sequencing == Sequencing.SETTLING
    scan()
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_arteria_mode_is_the_old_rule(root: Path, settings: Settings) -> None:
    watch(settings, root, completion="arteria")
    nextseq = make_run(root, NEXTSEQ_2000, markers=("RTAComplete.txt",))
    novaseq = make_run(root, NOVASEQ, markers=("RTAComplete.txt",))
    scan()
    assert row_of(nextseq).sequencing == Sequencing.COMPLETE
    assert row_of(novaseq).sequencing == Sequencing.SETTLING


@pytest.mark.parametrize(
    ("word", "sequencing", "outcome"),
    [
        ("RunCompleted", Sequencing.COMPLETE, Outcome.OK),
        ("RunErrored", Sequencing.FAILED, Outcome.FAILED),
        ("UserEndedEarly", Sequencing.COMPLETE, Outcome.ENDED_EARLY),
        ("SomethingElse", Sequencing.COMPLETE, Outcome.UNKNOWN),
    ],
)
def test_the_instruments_word_on_the_end_is_kept(
    root: Path, word: str, sequencing: str, outcome: str
) -> None:
    folder = make_run(
        root, markers=BOTH, RunCompletionStatus_xml=status(word, "&lt;b&gt; hot")
    )
    scan()
    row = row_of(folder)
    assert (row.sequencing, row.outcome) == (sequencing, outcome)
    assert row.outcome_message.startswith(word)
    failed = Attention.objects.filter(subject=row.subject, code="failed")
    assert failed.exists() == (sequencing == Sequencing.FAILED)


def test_cycles_are_counted_and_standing_still_is_noticed(root: Path) -> None:
    folder = make_run(root)
    set_cycles_done(folder, 5)
    scan()
    row = row_of(folder)
    assert (row.cycles_done, row.total_cycles) == (5, 46)
    set_cycles_done(folder, 6)
    scan(after_minutes=11 * 60)
    row.refresh_from_db()
    assert (row.cycles_done, row.stalled_at) == (6, None)
    scan(after_minutes=24 * 60)
    row.refresh_from_db()
    assert row.stalled_at is not None
    assert row.sequencing == Sequencing.SEQUENCING
    attention = Attention.objects.get(subject=row.subject)
    assert attention.code == "stalled"
    assert "at cycle 6 of 46" in attention.message
    assert attention.next_step
    set_cycles_done(folder, 7)
    scan(after_minutes=24 * 60 + 1)
    row.refresh_from_db()
    assert row.stalled_at is None
    assert not Attention.objects.exists()
    kinds = Event.objects.filter(runfolder_ref=row.pk).order_by("pk")
    assert [event.kind for event in kinds] == ["found", "stalled", "moves_again"]


def test_a_persons_word_survives_scans_until_it_is_lifted(root: Path) -> None:
    folder = make_run(root)
    scan()
    row = row_of(folder)
    override_sequencing(row.pk, Sequencing.COMPLETE, actor=ANNA, reason="copied")
    scan()
    (folder / "RTAComplete.txt").touch()
    scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.COMPLETE
    assert row.sequencing_reason == "By hand: copied"
    assert row.sequencing_on_disk == Sequencing.SETTLING
    lift_override(row.pk, actor=ANNA)
    scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.SETTLING
    assert row.sequencing_reason.startswith("waiting for CopyComplete.txt")


def test_metadata_written_at_the_end_is_read_again(root: Path) -> None:
    parameters = "<RunParameters><Side>A</Side></RunParameters>"
    folder = make_run(root, markers=BOTH, RunParameters_xml=parameters)
    age(folder)
    scan()
    assert row_of(folder).side == "A"
    (folder / "RunParameters.xml").write_text(parameters.replace("A<", "B<"))
    scan()
    assert row_of(folder).side == "B"


def test_samples_of_the_sheet_are_replaced(root: Path) -> None:
    sheet = "[Data]\nSample_ID,Sample_Name,Sample_Project,index\nS1,a,P1,ACGT\n"
    folder = make_run(root, SampleSheet_csv=sheet)
    scan()
    row = row_of(folder)
    assert [s.sample_id for s in row.samples.all()] == ["S1"]
    assert (row.project, row.sheet_name) == ("P1", "SampleSheet.csv")
    (folder / "SampleSheet.csv").write_text(sheet + "S2,b,P2,TTTT\n")
    scan()
    row.refresh_from_db()
    assert [s.sample_id for s in row.samples.all()] == ["S1", "S2"]
    assert row.project == "P1, P2"
    (folder / "SampleSheet.csv").unlink()
    scan()
    assert not row.samples.exists()


@pytest.mark.parametrize(
    ("content", "state", "problems"),
    [
        ("done", State.DONE, []),
        ("started\n", State.STARTED, []),
        (" READY ", State.READY, []),
        ("none", State.READY, []),
        ("", State.READY, ["unknown_arteria_state"]),
        ("busy", State.READY, ["unknown_arteria_state"]),
    ],
)
def test_arterias_state_is_honoured_on_first_sight(
    root: Path, content: str, state: str, problems: list[str]
) -> None:
    folder = make_run(root, markers=BOTH)
    (folder / ".arteria").mkdir()
    (folder / ".arteria" / "state").write_text(content)
    scan()
    row = row_of(folder)
    assert row.state == state
    assert [p["code"] for p in row.problems] == problems
    (folder / ".arteria" / "state").write_text("error")
    (folder / "CopyComplete.txt").write_text("again")
    scan()
    assert row_of(folder).state == state
    assert (folder / ".arteria" / "state").read_text() == "error"


def test_clients_states_survive_a_new_completion(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, "done", actor=ANNA)
    (folder / "CopyComplete.txt").unlink()
    scan()
    (folder / "CopyComplete.txt").touch()
    scan()
    row.refresh_from_db()
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.DONE)


def test_runs_lie_as_deep_as_the_root_says(root: Path, settings: Settings) -> None:
    watch(settings, root, depth=2)
    shallow = make_run(root, "240131_A00001_0001_BHMTFYDRXY")
    deep = make_run(root / "NovaSeqX", NOVASEQ)
    make_run(deep / "Data" / "nested", NEXTSEQ_2000)
    make_run(deep, "240131_A00002_0001_BHMTFYDRXY")
    scan()
    assert {row.path for row in Runfolder.objects.all()} == {str(shallow), str(deep)}


def test_what_is_no_run_is_not_reported(root: Path) -> None:
    (root / "results").mkdir()
    (root / "RunInfo.xml").write_text(run_info(NOVASEQ))
    make_run(root / "nosync")
    make_run(root / ".hidden")
    scan()
    assert not Runfolder.objects.exists()


def test_progress_and_the_end_are_told(root: Path) -> None:
    make_run(root)
    told: list[tuple[int, int]] = []
    from runfolders.services.scan import scan_host

    scan_host(HOST, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (1, 1)
    beat = Heartbeat.objects.get(host=HOST, role="scanner")
    assert (beat.data["done"], beat.data["total"]) == (1, 1)
    assert beat.data["finished_at"]
    row = Root.objects.get()
    assert row.scanned_at is not None
    assert (row.total_bytes or 0) >= (row.free_bytes or 0) > 0


def test_a_rescan_of_unchanged_folders_asks_the_database_once(
    root: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        folder = make_run(root, f"240131_A00834_{number:04}_BHMTFYDRXX", markers=BOTH)
        age(folder)
    scan()
    with django_assert_max_num_queries(20) as few:
        scan()
    for number in range(30, 60):
        folder = make_run(root, f"240131_A00834_{number:04}_BHMTFYDRXX", markers=BOTH)
        age(folder)
    scan()
    with django_assert_max_num_queries(len(few)):
        report = scan()
    assert report.total("changed") == 0


def test_a_run_is_judged_by_its_own_model(root: Path) -> None:
    folder = make_run(root, markers=("RTAComplete.txt",))
    age(folder, 3600)
    scan()
    parameters = (
        "<RunParameters><InstrumentType>HiSeq X</InstrumentType></RunParameters>"
    )
    other = make_run(
        root, "240201_A00834_0184_BHMTFYDRXY", RunParameters_xml=parameters
    )
    scan(after_minutes=1)
    assert row_of(other).instrument == row_of(folder).instrument
    assert row_of(other).instrument_model == "HiSeq X"
    scan(after_minutes=40)
    row = row_of(folder)
    assert row.instrument_model == "NovaSeq 6000"
    assert row.sequencing == Sequencing.SETTLING
    assert row.sequencing_reason.startswith("waiting for CopyComplete.txt")
