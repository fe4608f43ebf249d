from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import RunfolderFactory
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from turret.choices import Status
from turret.errors import UnknownWorkflow
from turret.selectors import (
    HEAVY,
    LONGEST_CHAIN,
    causes_of,
    chain_of,
    counters_of,
    ending_tasks,
    failed_tasks,
    find_workflow,
    headline,
    listed_workflows,
    progress_of,
)

pytestmark = pytest.mark.django_db


def test_a_list_takes_one_query_and_no_large_column(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(3):
        WorkflowFactory.create(runfolder=RunfolderFactory.create())
    with django_assert_num_queries(1):
        rows = list(listed_workflows())
        assert all(row.owner and row.runfolder and row.runfolder.name for row in rows)
    assert set(HEAVY) <= rows[0].get_deferred_fields()


def test_a_workflow_is_found_by_its_id() -> None:
    row = WorkflowFactory.create(params={"a": 1})
    assert find_workflow(row.workflow_id).params == {"a": 1}


@pytest.mark.parametrize("workflow_id", ["", "nothing", "a\0b", "x" * 5_000])
def test_what_is_no_id_is_unknown(workflow_id: str) -> None:
    WorkflowFactory.create()
    with pytest.raises(UnknownWorkflow):
        find_workflow(workflow_id)


def test_a_chain_is_the_session_oldest_first() -> None:
    now = timezone.now()
    first, second, third = (
        WorkflowFactory.create(session_id="s", created_at=now - dt.timedelta(hours=h))
        for h in (3, 2, 1)
    )
    WorkflowFactory.create()
    assert chain_of(second) == [first, second, third]


def test_without_a_session_there_is_no_chain() -> None:
    WorkflowFactory.create(session_id="")
    row = WorkflowFactory.create(session_id="")
    assert chain_of(row) == [row]


def test_a_chain_without_end_is_cut_at_its_beginning() -> None:
    rows = WorkflowFactory.create_batch(LONGEST_CHAIN + 2, session_id="s")
    assert chain_of(rows[0]) == rows[2:]


def test_what_ended_a_workflow_comes_first_of_what_failed() -> None:
    row = WorkflowFactory.create()
    actions = ["retry", "ignore", "terminate", "", "retry", "finish"]
    for number, action in enumerate(actions, start=1):
        TaskFactory.create(
            workflow=row, task_id=number, status="failed", error_action=action
        )
    TaskFactory.create(workflow=row, task_id=9)
    TaskFactory.create(status="failed")
    assert [task.task_id for task in failed_tasks(row)] == [6, 4, 3, 2, 5, 1]
    assert {task.task_id for task in ending_tasks([row])} == {3, 4, 6}


def test_causes_are_of_failed_workflows_and_take_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    killed, silent, other = (
        WorkflowFactory.create(ended=True, status=Status.FAILED) for _ in range(3)
    )
    running = WorkflowFactory.create()
    for row in (killed, running):
        for task_id, exit_status in ((1, 137), (2, 1)):
            TaskFactory.create(
                workflow=row, task_id=task_id, status="failed", exit=exit_status
            )
    TaskFactory.create(workflow=other, status="failed", error_action="retry")
    with django_assert_num_queries(1):
        causes = causes_of([killed, silent, other, running])
    assert set(causes) == {killed.pk}
    assert "memory" in causes[killed.pk].words
    with django_assert_num_queries(0):
        assert causes_of([running]) == {}


def test_what_has_ended_is_done_whatever_the_counters_say() -> None:
    row = WorkflowFactory.build(pending=3, succeeded=1)
    assert (progress_of(row).done, progress_of(row).total) == (1, 4)
    row.status = Status.CANCELLED
    assert progress_of(row).percent == 100
    assert counters_of(row).pending == 3


def test_a_running_workflow_is_told_by_its_processes() -> None:
    begun = timezone.now() - dt.timedelta(minutes=98)
    row = WorkflowFactory.create(
        begun_at=begun, pending=4, submitted=2, running=6, succeeded=84
    )
    ProcessFactory.create(workflow=row, name="RUN:QC", running=2, succeeded=48)
    ProcessFactory.create(workflow=row, name="RUN:ALIGN", pending=10, succeeded=36)
    words = "12 of 96 tasks left, about 14 min; ALIGN is the slow one."
    assert headline(row) == words


def test_a_failed_workflow_is_told_with_its_cause() -> None:
    row = WorkflowFactory.create(ended=True, status=Status.FAILED, failed=1)
    TaskFactory.create(workflow=row, status="failed", exit=127)
    assert "1 min 5 s. A command was not found" in headline(row)


@pytest.mark.parametrize(
    ("progress_instant", "words"),
    [(None, "It never began"), (1_787_400_000_123, "Nobody knows how it ended")],
)
def test_one_whose_begin_was_lost_did_begin(
    progress_instant: int | None, words: str
) -> None:
    row = WorkflowFactory.create(
        status=Status.UNKNOWN, begun_at=None, progress_instant=progress_instant
    )
    assert headline(row).startswith(words)
