"""Looking again at what is being written, and the minute around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_q.models import OrmQ

from runfolders import tasks
from runfolders.choices import Sequencing
from runfolders.services import patrol
from runfolders.services.locks import SCAN, WATCH, exclusive
from runfolders.services.scan import request_scan
from runfolders.services.second_look import look_again
from seqhub.lib import drain
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST
from tests.runfolders.runs import NEXTSEQ_2000, make_run, set_cycles_done
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def queued() -> list[tuple[str, str]]:
    """Function and queue of each doorbell that was rung."""
    return [(row.func(), row.key) for row in OrmQ.objects.order_by("pk")]


def test_only_what_changes_is_looked_at(root: Path) -> None:
    done = make_run(root, NEXTSEQ_2000, markers=BOTH)
    folder = make_run(root)
    scan()
    (done / "CopyComplete.txt").unlink()
    set_cycles_done(folder, 3)
    assert look_again(HOST) == 1
    assert row_of(folder).cycles_done == 3
    assert row_of(done).sequencing == Sequencing.COMPLETE
    (folder / "CopyComplete.txt").touch()
    assert look_again(HOST) == 0
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_what_is_gone_is_left_to_the_scan(root: Path) -> None:
    folder = make_run(root)
    scan()
    folder.rename(root.with_name("away"))
    for _ in range(3):
        look_again(HOST)
    assert row_of(folder).sequencing == Sequencing.SEQUENCING


def test_a_stalled_run_is_left_to_the_scan(root: Path) -> None:
    make_run(root)
    scan()
    scan(after_minutes=13 * 60)
    assert look_again(HOST) == 0


def test_a_run_that_becomes_complete_rings_for_its_size(root: Path) -> None:
    folder = make_run(root)
    scan()
    assert queued() == []
    (folder / "CopyComplete.txt").touch()
    look_again(HOST)
    assert queued() == [("runfolders.tasks.measure_sizes", f"long-{HOST}")]


def test_a_scan_can_be_asked_for(root: Path) -> None:
    request_scan(HOST, actor=Actor(Source.CONSOLE, "anna"))
    assert queued() == [("runfolders.tasks.scan", f"local-{HOST}")]
    assert Event.objects.get(kind="scan_requested").actor == "anna"


def test_the_task_scans_and_stays_while_something_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "EVERY_S", 0.01)
    folder = make_run(root)
    looks = []

    def look(host: str) -> int:
        looks.append(host)
        if len(looks) == 3:
            (folder / "CopyComplete.txt").touch()
        return look_again(host)

    monkeypatch.setattr(patrol, "look_again", look)
    tasks.scan(HOST)
    assert looks == [HOST] * 3
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_the_task_ends_before_the_next_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "STAY_S", 0)
    make_run(root)
    assert patrol.patrol(HOST) is not None


def test_the_task_ends_when_its_cluster_wants_to(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "is_asked", lambda: True)
    make_run(root)
    assert patrol.patrol(HOST) is not None


def test_watching_and_scanning_have_locks_of_their_own() -> None:
    with exclusive(WATCH, HOST) as watching, exclusive(SCAN, HOST) as scanning:
        assert (watching, scanning) == (True, True)
