"""`ready` made by the scanner, and when it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runfolders.choices import Sequencing, State
from runfolders.selectors import next_ready
from runfolders.services.sequencing import lift_override, override_sequencing
from runfolders.services.states import set_state
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST, RunfolderFactory
from tests.runfolders.runs import NOVASEQ, make_run
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
ANNA = Actor(Source.CONSOLE, "anna")
BOTH = ("RTAComplete.txt", "CopyComplete.txt")
ERRORED = "<RunCompletionStatus><RunStatus>RunErrored</RunStatus></RunCompletionStatus>"


def lose_a_marker(folder: Path) -> None:
    (folder / "CopyComplete.txt").unlink()


def report_an_error(folder: Path) -> None:
    (folder / "RunCompletionStatus.xml").write_text(ERRORED)


@pytest.mark.parametrize("spoil", [lose_a_marker, report_an_error])
def test_an_offer_is_taken_back_when_the_run_is_not_complete(
    root: Path, spoil: Callable[[Path], None]
) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    assert list(next_ready(HOST)) == [row]
    spoil(folder)
    scan()
    row.refresh_from_db()
    assert row.sequencing != Sequencing.COMPLETE
    assert row.state == State.NONE
    assert not next_ready(HOST)
    assert Event.objects.filter(kind="state_changed").latest("pk").data == {
        "from": "ready",
        "to": "none",
        "reason": "The run is not complete any more.",
    }


def test_an_offer_is_made_again_when_the_run_is_complete_again(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    lose_a_marker(folder)
    scan()
    (folder / "CopyComplete.txt").touch()
    scan()
    assert list(next_ready(HOST)) == [row_of(folder)]


def test_an_offer_is_taken_back_when_the_next_cell_begins(root: Path) -> None:
    folder = root / "r84001_20240131_101112"
    cell = folder / "1_A01" / "metadata"
    cell.mkdir(parents=True)
    (cell / "m84001.transferdone").touch()
    scan()
    scan(after_minutes=31)
    assert row_of(folder).state == State.READY
    (folder / "1_B01").mkdir()
    scan(after_minutes=32)
    assert row_of(folder).state == State.NONE


def test_an_offer_is_taken_back_when_the_override_is_lifted(root: Path) -> None:
    folder = make_run(root)
    scan()
    row = row_of(folder)
    override_sequencing(row.pk, Sequencing.COMPLETE, actor=ANNA, reason="enough")
    assert row_of(folder).state == State.READY
    lift_override(row.pk, actor=ANNA)
    assert row_of(folder).state == State.NONE


@pytest.mark.parametrize("state", ["ready", "pending", "started", "done", "error"])
def test_what_a_client_said_is_left_alone(root: Path, state: str) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    set_state(row_of(folder).pk, state, actor=ANNA)
    lose_a_marker(folder)
    scan()
    assert row_of(folder).state == state


def test_a_client_may_offer_what_is_not_complete(root: Path) -> None:
    folder = make_run(root)
    scan()
    set_state(row_of(folder).pk, "ready", actor=ANNA)
    assert list(next_ready(HOST)) == [row_of(folder)]


def test_a_run_that_cannot_be_read_stays_ready_and_is_not_offered(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    info = (folder / "RunInfo.xml").read_text()
    (folder / "RunInfo.xml").write_text(info[:50])
    scan()
    row = row_of(folder)
    assert (row.sequencing, row.state) == (Sequencing.UNREADABLE, State.READY)
    assert not next_ready(HOST)
    (folder / "RunInfo.xml").write_text(info)
    scan()
    assert list(next_ready(HOST)) == [row]


def test_a_state_that_clients_kept_beside_the_data_is_theirs(root: Path) -> None:
    folder = make_run(root, NOVASEQ)
    (folder / ".arteria").mkdir()
    (folder / ".arteria" / "state").write_text("ready")
    scan()
    assert list(next_ready(HOST)) == [row_of(folder)]


def test_a_row_that_is_ready_of_itself_must_be_complete() -> None:
    RunfolderFactory.create(state="ready")
    assert not next_ready(HOST)


@pytest.mark.parametrize("before", ["ready", "pending", "done"])
def test_a_complete_run_that_is_set_to_none_is_ready(root: Path, before: str) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, before, actor=ANNA)
    set_state(row.pk, "none", actor=ANNA)
    assert list(next_ready(HOST)) == [row]
    lose_a_marker(folder)
    scan()
    assert row_of(folder).state == State.NONE


def test_the_history_says_why_none_became_ready() -> None:
    row = RunfolderFactory.create(complete=True, state="done")
    set_state(row.pk, "none", actor=ANNA, reason="Again.")
    event = Event.objects.get()
    assert event.data["to"] == "ready"
    assert event.message == (
        "State done → ready. Again. None was asked for: a complete run is ready."
    )


def test_a_run_that_could_not_be_read_at_first_keeps_its_clients_state(
    root: Path,
) -> None:
    folder = make_run(root, markers=BOTH)
    info = (folder / "RunInfo.xml").read_text()
    (folder / "RunInfo.xml").write_text(info[:100])
    (folder / ".arteria").mkdir()
    (folder / ".arteria" / "state").write_text("done")
    scan()
    row = row_of(folder)
    assert (row.sequencing, row.state) == (Sequencing.UNREADABLE, State.DONE)
    (folder / "RunInfo.xml").write_text(info)
    scan()
    row.refresh_from_db()
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.DONE)


def test_a_state_that_arrives_with_the_run_info_is_kept(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    info = (folder / "RunInfo.xml").read_text()
    (folder / "RunInfo.xml").write_text(info[:100])
    scan()
    (folder / ".arteria").mkdir()
    (folder / ".arteria" / "state").write_text("odd")
    scan()
    scan()
    assert [p["code"] for p in row_of(folder).problems] == ["unknown_arteria_state"]
    (folder / ".arteria" / "state").write_text("done")
    (folder / "RunInfo.xml").write_text(info)
    scan()
    assert (row_of(folder).sequencing, row_of(folder).state) == ("complete", "done")


def test_a_clients_word_is_not_taken_back_by_the_file(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    (folder / "RunInfo.xml").write_text("")
    (folder / ".arteria").mkdir()
    (folder / ".arteria" / "state").write_text("started")
    scan()
    set_state(row_of(folder).pk, "error", actor=ANNA)
    scan()
    assert row_of(folder).state == State.ERROR
