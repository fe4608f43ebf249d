"""The size of a complete run."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.utils import timezone

from runfolders import tasks
from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.sequencing import lift_override, override_sequencing
from runfolders.services.size import measure_size, unmeasured
from seqhub.operations.services.events import SYSTEM
from tests.factories import HOST
from tests.runfolders.runs import NEXTSEQ_2000, make_run
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def test_files_count_once_and_links_not_at_all(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    info = (folder / "RunInfo.xml").stat().st_size
    deep = folder / "Data" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one").write_bytes(b"x" * 1000)
    os.link(deep / "one", deep / "two")
    (deep / "up").symlink_to(folder)
    (deep / "link").symlink_to(deep / "one")
    os.mkfifo(deep / "fifo")
    scan()
    assert measure_size(row_of(folder).pk) == 1000 + info
    row = row_of(folder)
    assert row.size_bytes == 1000 + info
    assert row.size_measured_at is not None


def test_the_task_measures_complete_runs_once(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    make_run(root, NEXTSEQ_2000)
    scan()
    assert unmeasured(HOST) == [row_of(folder).pk]
    tasks.measure_sizes(HOST)
    assert unmeasured(HOST) == []
    assert row_of(folder).size_bytes


def test_a_run_that_goes_on_is_measured_anew(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    tasks.measure_sizes(HOST)
    (folder / "CopyComplete.txt").unlink()
    scan()
    assert row_of(folder).size_bytes is None
    (folder / "CopyComplete.txt").touch()
    scan()
    assert unmeasured(HOST) == [row_of(folder).pk]


def test_a_part_is_not_called_the_whole(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests run as root, whom no permission stops: the refusal is made here.
    folder = make_run(root, markers=BOTH)
    scan()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("/Data"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert measure_size(row_of(folder).pk) is None
    row = row_of(folder)
    assert row.size_bytes is None
    # Tried: it is not walked again and again, but once more the next day.
    assert unmeasured(HOST) == []
    monkeypatch.undo()
    tried_at = timezone.now() - dt.timedelta(hours=25)
    Runfolder.objects.update(size_measured_at=tried_at)
    assert unmeasured(HOST) == [row.pk]
    assert measure_size(row.pk)
    assert unmeasured(HOST) == []


def test_a_file_that_goes_meanwhile_does_not_count(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(root, markers=BOTH)
    info = (folder / "RunInfo.xml").stat().st_size
    (folder / "Data" / "gone.tmp").write_bytes(b"xx")
    scan()
    scandir = os.scandir

    def lose(path: str) -> object:
        # The file goes between its name and its stat.
        found = list(scandir(path))
        (folder / "Data" / "gone.tmp").unlink(missing_ok=True)
        return nullcontext(found)

    monkeypatch.setattr(os, "scandir", lambda p: lose(p) if "Data" in p else scandir(p))
    assert measure_size(row_of(folder).pk) == info
    assert not (folder / "Data" / "gone.tmp").exists()


def test_a_run_that_a_person_calls_complete_keeps_its_size(root: Path) -> None:
    folder = make_run(root, markers=("RTAComplete.txt",))
    scan()
    row = row_of(folder)
    override_sequencing(row.pk, Sequencing.COMPLETE, actor=SYSTEM, reason="enough")
    tasks.measure_sizes(HOST)
    for _ in range(2):
        scan()
    assert row_of(folder).size_bytes
    assert unmeasured(HOST) == []
    lift_override(row.pk, actor=SYSTEM)
    scan()
    assert row_of(folder).size_bytes is None


def test_what_is_gone_is_not_measured(root: Path) -> None:
    assert measure_size(10**9) is None
    assert not Runfolder.objects.exists()
