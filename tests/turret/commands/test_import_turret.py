"""`manage.py import-turret`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from seqhub.operations.models import Attention, Event
from tests.archiving.commands.shell import call
from tests.directories import open_directory
from tests.seqhub.commands import run
from tests.turret.commands.old_database import (
    COUNTS,
    FAILURE,
    LAUNCHES,
    RUNS,
    STARTED,
    UPDATED,
    run_of,
    write_database,
)
from tests.turret.factories import WorkflowFactory
from turret.choices import Status, TaskStatus
from turret.management import turretdb
from turret.models import Workflow, WorkflowProcess, WorkflowTask

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "turret.db"


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def test_a_run_becomes_a_workflow(file: Path) -> None:
    counts = {**COUNTS, "failed": 1}
    write_database(file, run_of("b1", task_counts=counts, failures=[FAILURE]))
    answer = call("import_turret", file)
    assert (answer.code, answer.err) == (0, "")
    workflow = Workflow.objects.get()
    assert (workflow.workflow_id, workflow.batch_id) == ("dispatcher_b1", "b1")
    assert workflow.run_name == "dispatcher_b1"
    assert (workflow.succeeded, workflow.cached, workflow.failed) == (4, 1, 1)
    assert (workflow.retries, workflow.peak_cpus) == (1, 8)
    assert workflow.created_at == workflow.begun_at == at(STARTED)
    assert workflow.ended_at == workflow.last_seen_at == at(UPDATED)
    # Nobody knows these.
    assert (workflow.success, workflow.owner, workflow.completed_at) == (None,) * 3
    process = workflow.processes.get()
    assert (process.name, process.index, process.succeeded) == ("DEMO:ALIGN", 2, 4)
    task = workflow.tasks.get()
    assert (task.task_id, task.status, task.exit) == (7, TaskStatus.FAILED, 137)
    assert (task.name, task.hash) == ("DEMO:ALIGN (s1)", "ab/cdef12")
    assert Event.objects.get(subject=workflow.subject).kind == "taken_over"
    assert not Attention.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, Status.SUCCEEDED),
        ({"task_counts": {**COUNTS, "failed": 1}}, Status.SUCCEEDED),
        ({"task_counts": {**COUNTS, "failed": 2}}, Status.FAILED),
        ({"task_counts": {**COUNTS, "aborted": 1}}, Status.FAILED),
        ({"complete": 0}, Status.UNKNOWN),
        ({"task_counts": {}, "processes": []}, Status.UNKNOWN),
        ({"task_counts": None, "processes": None}, Status.UNKNOWN),
    ],
)
def test_how_a_run_ended_is_told_by_its_tasks(
    fields: dict[str, Any], status: Status, file: Path
) -> None:
    """The old service wrote down only that it did. One of the failed was retried."""
    answer = call("import_turret", write_database(file, run_of("b1", **fields)))
    assert answer.code == 0
    assert f"{status.value}: 1" in answer.out
    workflow = Workflow.objects.get()
    assert workflow.status == status
    assert (workflow.ended_at is None) is ("complete" in fields)


def test_nobody_can_go_on_with_it(file: Path) -> None:
    call("import_turret", write_database(file, run_of("b1")))
    assert Workflow.objects.exclude(token_digest="").exists()


def test_a_repeat_changes_nothing(file: Path) -> None:
    write_database(file, run_of("b1", failures=[FAILURE]), run_of("b2"))
    assert "2 taken over" in call("import_turret", file).out
    again = call("import_turret", file)
    assert again.code == 0
    assert "0 taken over, 0 brought up to date, 2 were known" in again.out
    assert Workflow.objects.count() == Event.objects.count() == 2
    assert WorkflowProcess.objects.count() == 2
    assert WorkflowTask.objects.count() == 1


def test_what_the_old_service_did_since_is_brought_up_to_date(file: Path) -> None:
    write_database(file, run_of("b1", complete=0))
    call("import_turret", file)
    later = {
        "task_counts": {**COUNTS, "succeeded": 9},
        "failures": [FAILURE],
        "updated_at": UPDATED + 60,
    }
    write_database(file, run_of("b1", **later), run_of("b2"))
    answer = call("import_turret", file)
    assert "1 taken over, 1 brought up to date, 0 were known" in answer.out
    workflow = Workflow.objects.get(batch_id="b1")
    assert (workflow.status, workflow.succeeded) == (Status.SUCCEEDED, 9)
    assert workflow.tasks.count() == 1


def test_a_dry_run_tells_and_changes_nothing(file: Path) -> None:
    write_database(file, run_of("b1"))
    before = file.read_bytes()
    answer = call("import_turret", file, "--dry-run")
    assert answer.code == 0
    assert "succeeded: 1" in answer.out
    assert "1 would be taken over, 0 would be brought up to date" in answer.out
    assert not Workflow.objects.exists()
    call("import_turret", file)
    assert file.read_bytes() == before


def test_launches_are_counted_and_stay_there(file: Path) -> None:
    answer = call("import_turret", write_database(file, launches=3))
    assert answer.code == 0
    assert "3 launches are not taken over" in answer.out
    assert "Keep the file." in answer.out


def test_a_file_without_launches_will_do(file: Path) -> None:
    write_database(file, run_of("b1"), tables=[RUNS])
    answer = call("import_turret", file)
    assert (answer.code, "launches" in answer.out) == (0, False)


def test_a_workflow_that_was_traced_here_is_left_alone(file: Path) -> None:
    WorkflowFactory.create(workflow_id="dispatcher_b1", succeeded=77)
    answer = call("import_turret", write_database(file, run_of("b1"), run_of("b2")))
    assert answer.code == 1
    assert answer.err.splitlines() == [
        "dispatcher_b1: a workflow of this id was traced here already.",
        "1 were left out",
    ]
    assert Workflow.objects.get(workflow_id="dispatcher_b1").succeeded == 77
    assert Workflow.objects.filter(workflow_id="dispatcher_b2").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"workflow_id": ""}, "it has no workflow_id"),
        ({"workflow_id": None}, "it has no workflow_id"),
        ({"workflow_id": "x" * 256}, "workflow_id: it has more than 255 characters"),
        ({"workflow_id": b"\x01"}, "workflow_id: bytes are no text"),
        ({"processes": "[{"}, "processes: it is no JSON"),
        ({"failures": "[" * 100_000}, "failures: it is no JSON"),
        ({"task_counts": "1" * 5_000}, "task_counts: it is no JSON"),
        ({"started_at": "yesterday"}, "started_at: it is no number of seconds"),
        ({"updated_at": None}, "updated_at: it is no number of seconds"),
        ({"updated_at": 1e300}, "updated_at: it is no time"),
        ({"started_at": -1e15}, "started_at: it is no time"),
        ({"updated_at": 253402300799}, "updated_at: it is no time"),
        ({"started_at": -62135596800}, "started_at: it is no time"),
    ],
)
def test_a_bad_run_is_told_and_stops_no_other(
    fields: dict[str, Any], said: str, file: Path
) -> None:
    answer = call(
        "import_turret",
        write_database(file, run_of("bad", **fields), run_of("good")),
    )
    assert answer.code == 1
    assert said in answer.err.splitlines()[0]
    assert answer.err.splitlines()[1:] == ["1 were left out"]
    assert Workflow.objects.get().batch_id == "good"


@pytest.mark.parametrize(
    "fields",
    [
        {"task_counts": [], "processes": {}, "resources": [1], "failures": {}},
        {"task_counts": {"succeeded": "4", "failed": -1, "cached": 2**70}},
        {"processes": [5, None, {}, {"name": "x" * 700}, {"name": "a"}, {"name": "a"}]},
        {"failures": [FAILURE, FAILURE, 5, {}, {"taskId": 2**70}, {"taskId": 8}]},
        {
            "run_name": "nul\0 and half \ud83d".encode("utf-8", "surrogatepass").decode(
                "utf-8", "replace"
            )
        },
        {"failures": [{**FAILURE, "name": "nul\0", "tag": "half \ud83d"}]},
        {"batch_id": None, "run_name": None},
        {"started_at": UPDATED + 5},
    ],
)
def test_odd_parts_are_mended_or_skipped(fields: dict[str, Any], file: Path) -> None:
    answer = call("import_turret", write_database(file, run_of("b1", **fields)))
    assert (answer.code, answer.err) == (0, "")
    workflow = Workflow.objects.get()
    assert workflow.created_at <= workflow.last_seen_at
    assert workflow.batch_id


def test_a_database_can_forge_no_lines(file: Path) -> None:
    forged = run_of("b1", workflow_id="x\n\x1b[2Jall is well", updated_at=None)
    answer = call("import_turret", write_database(file, forged))
    assert "\x1b" not in answer.err
    assert answer.err.startswith("x\\x0a\\x1b[2Jall is well: updated_at")


def test_a_file_that_is_no_database_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"not a database" * 100)
    told = {
        "it can't be read as SQLite: file is not a database": file,
        "it can't be read: No such file or directory": tmp_path / "missing",
        "it is not a regular file": tmp_path,
    }
    os.mkfifo(tmp_path / "pipe")
    for said, path in [*told.items(), ("not a regular file", tmp_path / "pipe")]:
        answer = call("import_turret", path)
        assert answer.code == 2
        assert said in answer.err
        assert "\n" not in answer.err


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([], "it has no table runs"),
        ([LAUNCHES], "it has no table runs"),
        (["CREATE TABLE runs (workflow_id TEXT, complete INT)"], "has no column batch"),
    ],
)
def test_missing_tables_and_columns_are_named(
    tables: list[str], said: str, file: Path
) -> None:
    answer = call("import_turret", write_database(file, tables=tables))
    assert (answer.code, said in answer.err) == (2, True)


def test_a_damaged_database_is_refused_whole(file: Path) -> None:
    write_database(file, *[run_of(f"b{n}") for n in range(200)])
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 8192] = os.urandom(8192)
    file.write_bytes(data)
    answer = call("import_turret", file)
    assert answer.code == 2
    assert "it is damaged" in answer.err or "can't be read as SQLite" in answer.err
    assert "\n" not in answer.err
    assert not Workflow.objects.exists()


def test_what_is_too_big_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_database(file, run_of("b1"))
    monkeypatch.setattr(turretdb, "LIMIT_CELL_BYTES", 100)
    assert "too big" in call("import_turret", file).err
    monkeypatch.setattr(turretdb, "LIMIT_BYTES", 100)
    answer = call("import_turret", file)
    assert answer.code == 2
    assert "100 are the most that can be read" in answer.err


@pytest.mark.slow
def test_the_history_can_be_imported_before_the_first_up() -> None:
    with open_directory() as cwd:
        (cwd / "seqhub.yaml").write_text("host: testhost\n")
        write_database(cwd / "turret.db", run_of("b1"))
        done = run("import-turret", "turret.db", cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 taken over" in done.stdout
        again = run("import-turret", "turret.db", cwd=cwd)
        assert "1 were known" in again.stdout
