"""How a run is said to have ended: checks 37 to 39, 42 and 43, and failOnIgnore."""

from __future__ import annotations

from typing import Any

import pytest

from tests.turret.api.trace.wire import INSTANT, Wire, batch, ending, task
from turret.choices import Status, TaskStatus
from turret.models import Workflow, WorkflowTask

IGNORED = {"failed": 3, "ignored": 3, "succeeded": 1}


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ({}, Status.SUCCEEDED),
        ({"progress": IGNORED}, Status.SUCCEEDED),
        ({"progress": IGNORED, "failOnIgnore": True}, Status.FAILED),
        ({"success": False, "exitStatus": 1}, Status.FAILED),
        ({"success": False, "exitStatus": 137}, Status.FAILED),
        *(
            (
                {
                    "success": False,
                    "exitStatus": None,
                    "errorReport": signal,
                    "errorMessage": signal,
                },
                Status.CANCELLED,
            )
            for signal in ("SIGINT", "SIGTERM", "SIGHUP")
        ),
    ],
)
def test_the_end_is_what_complete_says(
    wire: Wire, end: dict[str, Any], status: str
) -> None:
    made = wire.created()
    assert wire.call(made, "complete", ending(**end)).status == 200
    row = Workflow.objects.get()
    assert row.status == status
    assert row.exit_status == end.get("exitStatus", 0)


def test_a_long_report_is_kept_whole(wire: Wire) -> None:
    report = "Process failed\n" * 70_000  # 1 MB
    body = ending(success=False, exitStatus=137, errorReport=report)
    assert wire.call(wire.created(), "complete", body).status == 200
    assert Workflow.objects.get().error_report == report


def test_a_failed_attempt_and_its_retry_are_both_kept(wire: Wire) -> None:
    made = wire.created()
    first = task(3, "FAILED", exit=1, errorAction="RETRY", name="A (1)")
    second = task(9, "COMPLETED", attempt=2, name="A (1)")
    counts = {"succeeded": 1, "failed": 1, "retries": 1}
    wire.call(made, "progress", batch(first, second, **counts))
    wire.call(made, "complete", ending(progress=counts))
    tasks = WorkflowTask.objects.values_list("task_id", "status", "error_action")
    assert set(tasks) == {
        (3, TaskStatus.FAILED, "retry"),
        (9, TaskStatus.COMPLETED, ""),
    }
    assert Workflow.objects.get().status == Status.SUCCEEDED


def test_an_aborted_task_without_times_is_final(wire: Wire) -> None:
    made = wire.created()
    aborted = task(1, "ABORTED", exit=2147483647, start=None)
    for key in ("complete", "duration", "realtime"):
        del aborted[key]
    assert wire.call(made, "progress", batch(aborted, aborted=1)).status == 200
    row = WorkflowTask.objects.get()
    assert (row.status, row.exit) == (TaskStatus.ABORTED, None)
    assert (row.completed_at, row.duration_ms) == (None, None)
    late = batch(task(1, "RUNNING"), instant=INSTANT + 9000)
    assert wire.call(made, "progress", late).status == 200
    row.refresh_from_db()
    assert row.status == TaskStatus.ABORTED
