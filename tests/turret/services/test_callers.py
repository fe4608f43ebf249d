"""Who may go on with a workflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.turret.factories import WorkflowFactory
from tests.turret.services.calls import (
    begin_call,
    complete_call,
    create_call,
    make_caller,
    make_run,
    make_task,
    open_caller,
    update_call,
)
from turret.choices import Status
from turret.errors import UnknownWorkflow
from turret.models import Workflow, WorkflowTask
from turret.services import tracing
from turret.services.callers import Caller

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("workflow_id", ["null", "nope", "a\0b", "\ud800", "x" * 300])
def test_unknown_ids_are_refused_and_make_nothing(workflow_id: str) -> None:
    caller = make_caller()
    with pytest.raises(UnknownWorkflow):
        tracing.begin(workflow_id, begin_call(), caller)
    with pytest.raises(UnknownWorkflow):
        tracing.update(workflow_id, update_call([make_task()]), caller)
    with pytest.raises(UnknownWorkflow):
        tracing.complete(workflow_id, complete_call(), caller)
    with pytest.raises(UnknownWorkflow):
        tracing.note(workflow_id, caller, {"schedRunId": "x"})
    assert Workflow.objects.count() == 0


def test_dead_token_goes_on_with_what_it_made(run: Workflow, caller: Caller) -> None:
    dead = replace(caller, is_live=False)
    tracing.update(run.workflow_id, update_call([make_task()]), dead)
    tracing.complete(run.workflow_id, complete_call(), dead)
    run.refresh_from_db()
    assert (run.status, run.tasks.count()) == (Status.SUCCEEDED, 1)


def test_another_live_token_of_the_owner_goes_on(run: Workflow, caller: Caller) -> None:
    tracing.update(
        run.workflow_id, update_call(), replace(caller, token_digest="b" * 64)
    )
    run.refresh_from_db()
    assert run.status == Status.RUNNING


def test_open_network_goes_on_with_what_it_made() -> None:
    run = make_run(open_caller())
    tracing.update(run.workflow_id, update_call([make_task()]), open_caller())
    assert run.tasks.count() == 1
    assert run.owner is None


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": None, "token_digest": ""},
        {"user_id": 0, "token_digest": "b" * 64},
        {"token_digest": "b" * 64, "is_live": False},
        {"token_digest": "b" * 64, "bound_to": "launch:7"},
    ],
    ids=["open", "other owner", "another dead token", "another bound token"],
)
def test_strangers_change_nothing(
    run: Workflow, caller: Caller, changes: dict[str, Any]
) -> None:
    with pytest.raises(UnknownWorkflow):
        tracing.update(
            run.workflow_id, update_call([make_task()]), replace(caller, **changes)
        )
    run.refresh_from_db()
    assert (run.status, run.tasks.count()) == (Status.SUBMITTED, 0)


def test_tokens_do_not_go_on_with_runs_of_an_open_network() -> None:
    run = make_run(open_caller())
    with pytest.raises(UnknownWorkflow):
        tracing.update(run.workflow_id, update_call(), make_caller())


def test_bound_token_goes_on_with_its_own(caller: Caller) -> None:
    bound = replace(caller, bound_to="launch:7")
    workflow_id = tracing.create(create_call(), bound, None)
    tracing.update(workflow_id, update_call([make_task()]), bound)
    assert WorkflowTask.objects.count() == 1


def test_other_workflows_are_left_alone(run: Workflow, caller: Caller) -> None:
    other = WorkflowFactory.create()
    tracing.update(run.workflow_id, update_call([make_task()], running=5), caller)
    before = other.running
    other.refresh_from_db()
    assert (other.running, other.tasks.count()) == (before, 0)
