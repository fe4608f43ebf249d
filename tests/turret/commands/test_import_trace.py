"""`manage.py import-trace`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.archiving.commands.shell import call
from tests.clients import make_user
from tests.turret.factories import WorkflowFactory
from turret.models import Workflow, WorkflowTask

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[2] / "data" / "nextflow"
LAUNCHED = DATA / "launched"


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("finished", "succeeded", ""),
        ("resumed", "succeeded", ""),
        ("failed", "failed", "Error executing process > 'WORK (b)'"),
        ("broken", "failed", "/data/none.csv"),
        ("cancelled", "cancelled", "SIGTERM"),
        ("killed", "unknown", ""),
    ],
)
def test_a_run_with_its_log_becomes_a_workflow(
    name: str, status: str, message: str
) -> None:
    directory = LAUNCHED / name
    answer = call(
        "import_trace", directory / "trace.txt", "--log", directory / "nextflow.log"
    )
    assert (answer.code, answer.err) == (0, "")
    row = Workflow.objects.get()
    assert (row.run_name, row.status) == (f"{name}_one", status)
    assert row.error_message == message
    assert row.session_id
    assert row.started_at == row.begun_at == row.created_at
    assert (row.ended_at is None) == (status == "unknown")


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("failed", "failed", (6, 1, 0, 1)),
        ("retry", "succeeded", (3, 2, 2, 0)),
        ("cancelled", "failed", (3, 1, 0, 2)),
    ],
)
def test_a_trace_alone_says_less(
    name: str, status: str, told: tuple[int, int, int, int]
) -> None:
    trace = DATA / f"{name}.trace.txt"
    answer = call(
        "import_trace", trace, "--name", "old one", "--owner", make_user().username
    )
    assert answer.code == 0
    row = Workflow.objects.get()
    assert (row.run_name, row.status) == ("old one", status)
    assert (row.succeeded, row.failed, row.retries, row.aborted) == told
    assert row.owner


def test_numbers_that_people_read_are_read() -> None:
    call("import_trace", DATA / "ignored.trace.txt", "--log", DATA / "ignored.log")
    row = Workflow.objects.get()
    assert (row.status, row.ignored, row.succeeded) == ("succeeded", 1, 2)
    task = WorkflowTask.objects.get(task_id=1)
    assert (task.duration_ms, task.realtime_ms, task.pcpu) == (377, 317, 6.2)
    assert task.peak_rss_bytes == round(4.9 * 2**20)
    assert task.wchar == 193
    assert task.submitted_at
    assert task.completed_at
    failed = WorkflowTask.objects.get(task_id=2)
    assert (failed.process, failed.tag, failed.exit) == ("MAYBE", "2", 3)
    assert failed.error_action == "ignore"


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    trace = LAUNCHED / "finished" / "trace.txt"
    first = call("import_trace", trace)
    shutil.copy(trace, tmp_path / "copy.txt")
    again = call("import_trace", tmp_path / "copy.txt", "--name", "another")
    assert (first.code, again.code) == (0, 0)
    assert "was here already" in again.out
    assert Workflow.objects.count() == 1
    assert WorkflowTask.objects.count() == 7


def test_a_run_that_went_on_is_gone_on_with(tmp_path: Path) -> None:
    trace, log = tmp_path / "trace.txt", tmp_path / "nextflow.log"
    whole = (LAUNCHED / "finished" / "trace.txt").read_bytes()
    said = (LAUNCHED / "finished" / "nextflow.log").read_bytes()
    # Both end in the middle of a line.
    trace.write_bytes(whole[:1500])
    log.write_bytes(said[: said.index(b"WorkflowStats")])
    first = call("import_trace", trace, "--log", log)
    row = Workflow.objects.get()
    assert (first.code, row.status) == (0, "unknown")
    trace.write_bytes(whole)
    log.write_bytes(said)
    again = call("import_trace", trace, "--log", log)
    assert (again.code, again.err) == (0, "")
    row = Workflow.objects.get(pk=row.pk)
    assert (row.status, row.succeeded) == ("succeeded", 7)
    states = WorkflowTask.objects.filter(workflow=row).values_list("status", flat=True)
    assert list(states) == ["completed"] * 7
    assert Workflow.objects.count() == 1


def test_a_log_of_another_run_is_refused() -> None:
    trace = LAUNCHED / "finished" / "trace.txt"
    answer = call("import_trace", trace, "--log", LAUNCHED / "failed" / "nextflow.log")
    assert answer.code == 1
    assert "of two runs" in answer.err
    assert not Workflow.objects.exists()


def test_a_run_that_was_traced_is_not_taken_over() -> None:
    session = "0dc17711-9273-4dee-aa82-45b7c8fb81ea"
    WorkflowFactory.create(session_id=session, run_name="finished_one")
    directory = LAUNCHED / "finished"
    answer = call(
        "import_trace", directory / "trace.txt", "--log", directory / "nextflow.log"
    )
    assert answer.code == 1
    assert "finished_one is here already" in answer.err
    assert Workflow.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "names no column `status`"),
        ("no\ttrace\n1\t2\n", "names no column `status`"),
        ("task_id\tstatus\n", "has no tasks"),
        ("\0\n" * 9, "names no column `status`"),
    ],
)
def test_what_is_no_trace_is_refused(content: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(content)
    answer = call("import_trace", tmp_path / "file")
    assert answer.code == 1
    assert why in answer.err
    assert not Workflow.objects.exists()


@pytest.mark.parametrize(
    "options", [("--owner", "nobody-here"), ("--log", "/none/such"), ("--name", "a\nb")]
)
def test_what_is_asked_for_must_exist(options: tuple[str, str]) -> None:
    answer = call("import_trace", LAUNCHED / "finished" / "trace.txt", *options)
    assert answer.code == 2
    assert not Workflow.objects.exists()


def test_columns_may_be_few_and_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(
        "status\tname\thash\nCOMPLETED\tA (1)\tab/000001\n"
        "ODD\tA (2)\tab/000002\nbroken\n"
    )
    answer = call("import_trace", tmp_path / "file")
    assert answer.code == 0
    tasks = WorkflowTask.objects.order_by("-task_id").values_list("name", "status")
    assert list(tasks)[:2] == [("A (1)", "completed"), ("A (2)", "other")]
