from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from django.utils import timezone

from seqhub.operations.models import Event
from tests.turret.services.launching_files import (
    SAMPLES,
    launch_in,
    sample_launch,
    tasks_of,
)
from turret.choices import LaunchState, Status, TraceBy
from turret.engine.launching.files import LaunchFiles
from turret.models import Launch, Workflow, WorkflowProcess, WorkflowTask
from turret.services.launching.following import finish, follow
from turret.services.launching.reasons import TIME_LIMIT

pytestmark = pytest.mark.django_db

COUNTS = ("succeeded", "failed", "cached", "ignored", "retries", "aborted", "running")


def end(launch: Launch, state: LaunchState, exit_code: int | None) -> Workflow:
    """Have it ended like that, and its workflow with it."""
    launch.state, launch.exit_code = state, exit_code
    launch.finished_at = timezone.now()
    launch.save()
    finish(launch)
    return Workflow.objects.get(pk=launch.workflow_id)


def counts(row: Workflow | WorkflowProcess) -> dict[str, int]:
    """Those that are not zero."""
    return {name: count for name in COUNTS if (count := getattr(row, name))}


@pytest.mark.parametrize(
    ("name", "state", "exit_code", "status", "told"),
    [
        ("finished", LaunchState.SUCCEEDED, 0, "succeeded", {"succeeded": 7}),
        ("slurm", LaunchState.SUCCEEDED, 0, "succeeded", {"succeeded": 5}),
        (
            "failed",
            LaunchState.FAILED,
            1,
            "failed",
            {"succeeded": 2, "failed": 2, "retries": 1},
        ),
        (
            "cancelled",
            LaunchState.CANCELLED,
            1,
            "cancelled",
            {"succeeded": 2, "aborted": 2},
        ),
        (
            "resumed",
            LaunchState.SUCCEEDED,
            0,
            "succeeded",
            {"succeeded": 2, "cached": 2},
        ),
        ("broken", LaunchState.FAILED, 1, "failed", {}),
        ("killed", LaunchState.LOST, None, "running", {"succeeded": 2, "running": 2}),
        (
            "killed",
            LaunchState.CANCELLED,
            None,
            "cancelled",
            {"succeeded": 2, "aborted": 2},
        ),
    ],
)
def test_a_real_run_is_told_as_nextflow_would(
    name: str,
    state: LaunchState,
    exit_code: int | None,
    status: str,
    told: dict[str, int],
    tmp_path: Path,
) -> None:
    launch = sample_launch(name, tmp_path / "a")
    follow(launch)
    workflow = end(launch, state, exit_code)
    assert (workflow.status, counts(workflow)) == (status, told)
    of_processes = [counts(row) for row in workflow.processes.all()]
    for count in told:
        assert sum(row.get(count, 0) for row in of_processes) == told[count]
    assert (workflow.ended_at is None) == (state == LaunchState.LOST)
    assert workflow.nextflow_version == "24.10.0"
    assert workflow.started_at


def test_all_that_a_trace_says_of_a_task_is_kept(tmp_path: Path) -> None:
    launch = sample_launch("slurm", tmp_path / "a")
    follow(launch)
    task = WorkflowTask.objects.get(workflow=launch.workflow, task_id=4)
    assert (task.name, task.process, task.tag) == ("COUNT (a)", "COUNT", "a")
    assert (task.native_id, task.hash) == ("3", "fd/dd403e")
    assert task.workdir == "/data/slurm/work/fd/dd403e68bdb2fc39b97764ca28750d"
    assert (task.duration_ms, task.realtime_ms, task.pcpu) == (4456, 53, 12.5)
    assert (task.memory_bytes, task.cpus, task.attempt) == (67108864, 1, 1)
    assert "printf '%s\\t%s\\n' 'a'" in task.script
    assert task.submitted_at
    assert task.submitted_at.timestamp() == 1795366864.733


def test_the_run_is_described_by_its_log_and_its_launch(tmp_path: Path) -> None:
    launch = sample_launch("slurm", tmp_path / "a", params={"lines": 3})
    follow(launch)
    row = Workflow.objects.get(pk=launch.workflow_id)
    assert row.session_id == "4296c3cd-e3fb-439f-a614-fa6c5bb07a6c"
    assert (row.run_name, row.profile) == ("slurm_one", "slurm,test")
    assert row.command_line.startswith("nextflow -log nextflow.log run /data/")
    assert (row.work_dir, row.launch_dir) == ("/data/slurm/work", launch.launch_dir)
    assert row.process_names == ["MAKE", "COUNT", "MERGE"]
    assert (row.project_name, row.params) == ("nf-core/demo", {"lines": 3})
    assert row.status == Status.RUNNING


def test_the_last_error_of_the_log_is_the_report(tmp_path: Path) -> None:
    launch = sample_launch("failed", tmp_path / "a")
    row = end(launch, LaunchState.FAILED, 1)
    assert row.exit_status == 1
    assert row.error_report.startswith("Error executing process > 'WORK (b)'\n\nCaused")
    told = "Process `WORK (b)` terminated with an error exit status (137)"
    assert row.error_message == told
    assert "Session aborted" not in row.error_report


def test_bit_by_bit_the_same_is_told(tmp_path: Path) -> None:
    launch, files = launch_in(tmp_path / "a"), LaunchFiles(tmp_path / "a")
    pairs = [
        ((SAMPLES / "cancelled" / "trace.txt").read_bytes(), files.trace),
        ((SAMPLES / "cancelled" / "nextflow.log").read_bytes(), files.nextflow_log),
    ]
    for part in range(1, 31):
        for data, path in pairs:
            path.write_bytes(data[: len(data) * part // 30])
        follow(Launch.objects.get(pk=launch.pk))
    launch.refresh_from_db()
    row = end(launch, LaunchState.CANCELLED, 1)
    assert tasks_of(launch) == [
        (1, "QUICK (a)", "completed"),
        (2, "QUICK (b)", "completed"),
        (3, "SLEEP (b)", "aborted"),
        (4, "SLEEP (a)", "aborted"),
    ]
    assert row.status == Status.CANCELLED


def test_tasks_run_before_the_trace_file_knows_them(tmp_path: Path) -> None:
    launch = sample_launch("killed", tmp_path / "a")
    follow(launch)
    assert tasks_of(launch) == [
        (0, "SLEEP (a)", "running"),
        (0, "SLEEP (b)", "running"),
        (1, "QUICK (a)", "completed"),
        (2, "QUICK (b)", "completed"),
    ]


def test_what_waits_in_a_grid_does_not_run(tmp_path: Path) -> None:
    launch, files = launch_in(tmp_path / "a"), LaunchFiles(tmp_path / "a")
    log = (SAMPLES / "slurm" / "nextflow.log").read_text()
    cut = log.index("[a3/88a414] Submitted process > MAKE (b)")
    # Between the two lines that Nextflow writes of a task.
    files.nextflow_log.write_text(log[: log.rindex("\n", 0, cut) + 1])
    follow(launch)
    files.nextflow_log.write_text(log[: log.index("\n", cut) + 1])
    follow(launch)
    assert tasks_of(launch) == [(0, "MAKE (b)", "submitted")]
    handler = "jobId: 1; id: 2; name: MAKE (b); status: RUNNING; exit: -; error: -"
    workdir = "/data/slurm/work/a3/88a4146fc80c28b14a3923cd124ad3"
    with files.nextflow_log.open("a") as file:
        file.write(f"~> TaskHandler[{handler}; workDir: {workdir} started: 1; ]\n")
    follow(launch)
    assert tasks_of(launch) == [(0, "MAKE (b)", "running")]


def test_nothing_new_is_no_statement(
    tmp_path: Path, django_assert_num_queries: object
) -> None:
    launch = sample_launch("finished", tmp_path / "a")
    follow(launch)
    launch.workflow.refresh_from_db()
    with django_assert_num_queries(0):  # type: ignore[operator]
        follow(launch)
        follow(launch)


def test_following_and_finishing_again_changes_nothing(tmp_path: Path) -> None:
    launch = sample_launch("failed", tmp_path / "a")
    row = end(launch, LaunchState.FAILED, 1)
    before = tasks_of(launch), counts(row), Event.objects.count()
    launch.followed = {}
    launch.save()
    follow(launch)
    finish(launch)
    row.refresh_from_db()
    assert (tasks_of(launch), counts(row), Event.objects.count()) == before
    assert row.status == Status.FAILED


def test_what_tower_traces_is_left_alone(tmp_path: Path) -> None:
    launch = sample_launch("finished", tmp_path / "a", trace=TraceBy.TOWER)
    follow(launch)
    finish(launch)
    assert tasks_of(launch) == []
    assert launch.followed == {}


def test_a_file_that_shrank_begins_anew(tmp_path: Path) -> None:
    launch, files = (
        sample_launch("finished", tmp_path / "a"),
        LaunchFiles(tmp_path / "a"),
    )
    follow(launch)
    other = (SAMPLES / "failed" / "trace.txt").read_bytes()
    assert len(other) < files.trace.stat().st_size
    files.trace.write_bytes(other)
    follow(launch)
    # Both say how a task ended; what was read last counts.
    assert tasks_of(launch)[:2] == [
        (1, "WORK (a)", "completed"),
        (2, "WORK (b)", "failed"),
    ]


def test_a_log_of_a_gigabyte_is_not_read_whole(tmp_path: Path) -> None:
    launch, files = (
        sample_launch("finished", tmp_path / "a"),
        LaunchFiles(tmp_path / "a"),
    )
    log = files.nextflow_log.read_bytes()
    begun = log[: log.index(b"[48/ca4ecc] Submitted")].rpartition(b"\n")[0] + b"\n"
    with files.nextflow_log.open("wb") as file:
        file.write(begun)
        file.seek(1 << 30)
        file.write(b"\n" + log[len(begun) :])
    row = end(launch, LaunchState.SUCCEEDED, 0)
    assert row.session_id == "0dc17711-9273-4dee-aa82-45b7c8fb81ea"
    assert (row.peak_running, row.succeeded) == (3, 7)


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    launch, files = launch_in(tmp_path / "a"), LaunchFiles(tmp_path / "a")
    header = b"task_id\x1fhash\x1fname\x1fstatus\n"
    files.trace.write_bytes(
        header + b"1\x1fab/123456\x1fA (\xff\0\xed\xa0\x80)\x1fCACHED\n"
    )
    files.nextflow_log.write_bytes(b"\xff\0\xfe\n" * 1000)
    follow(launch)
    ((task_id, name, status),) = tasks_of(launch)
    assert (task_id, status) == (1, "cached")
    assert name.startswith("A (��")


@pytest.mark.parametrize("kind", ["pipe", "link", "directory", "none"])
def test_what_is_no_file_tells_nothing(kind: str, tmp_path: Path) -> None:
    launch, files = launch_in(tmp_path / "a"), LaunchFiles(tmp_path / "a")
    for path in (files.trace, files.nextflow_log):
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "link":
            path.symlink_to(SAMPLES / "finished" / "nextflow.log")
        elif kind == "directory":
            path.mkdir()
    row = end(launch, LaunchState.FAILED, 127)
    assert tasks_of(launch) == []
    assert (row.status, row.exit_status) == (Status.FAILED, 127)


def test_a_launch_that_is_quiet_is_not_silent(tmp_path: Path) -> None:
    launch = sample_launch("killed", tmp_path / "a")
    follow(launch)
    long_ago = timezone.now() - dt.timedelta(minutes=6)
    row = launch.workflow
    Workflow.objects.filter(pk=row.pk).update(
        last_seen_at=long_ago, stalled_at=long_ago
    )
    row.refresh_from_db()
    follow(launch)
    row.refresh_from_db()
    assert row.stalled_at is None
    assert row.last_seen_at > long_ago
    assert row.status == Status.RUNNING


def test_the_workflow_has_one_story(tmp_path: Path) -> None:
    launch = sample_launch("finished", tmp_path / "a")
    follow(launch)
    end(launch, LaunchState.SUCCEEDED, 0)
    subject = launch.workflow.subject
    events = Event.objects.filter(subject=subject).order_by("pk")
    assert list(events.values_list("kind", flat=True)) == ["began", "ended"]


def test_of_two_that_follow_one_is_too_late(
    tmp_path: Path, django_assert_num_queries: object
) -> None:
    pk = sample_launch("finished", tmp_path / "a").pk
    rows = Launch.objects.select_related("workflow")
    first, second = rows.get(pk=pk), rows.get(pk=pk)
    follow(first)
    before = tasks_of(first)
    follow(second)
    assert second.followed == first.followed
    assert tasks_of(first) == before
    second.workflow.refresh_from_db()
    with django_assert_num_queries(0):  # type: ignore[operator]
        follow(second)


def test_at_the_end_all_is_read_whoever_was_quicker(tmp_path: Path) -> None:
    launch = sample_launch("finished", tmp_path / "a")
    trace = LaunchFiles(Path(launch.directory)).trace
    whole = trace.read_bytes()
    trace.write_bytes(whole[:2000])
    LaunchFiles(Path(launch.directory)).nextflow_log.unlink()
    late = Launch.objects.select_related("workflow").get(pk=launch.pk)
    follow(launch)
    trace.write_bytes(whole)
    follow(late, is_over=True)
    assert len(tasks_of(launch)) == 7


def test_one_that_took_too_long_has_failed(tmp_path: Path) -> None:
    why = "It ran longer than it may."
    launch = sample_launch("cancelled", tmp_path / "a", code=TIME_LIMIT, message=why)
    row = end(launch, LaunchState.FAILED, 1)
    assert (row.status, row.error_message) == (Status.FAILED, why)
    assert (row.succeeded, row.aborted) == (2, 2)
