from __future__ import annotations

import re
from dataclasses import replace

import pytest

from seqhub.operations.models import Event
from tests.clients import make_user
from tests.turret.factories import WorkflowFactory
from tests.turret.services.calls import (
    NOW_MS,
    SESSION,
    begin_call,
    create_call,
    make_caller,
    make_run,
    open_caller,
)
from turret.choices import Status
from turret.errors import UnknownWorkflow
from turret.models import Workflow
from turret.services import tracing

pytestmark = pytest.mark.django_db


def test_create_makes_a_submitted_workflow_of_the_caller() -> None:
    caller = make_caller()
    workflow_id = tracing.create(create_call(), caller, 7)
    row = Workflow.objects.get()
    assert re.fullmatch(r"[A-Za-z0-9]{1,16}", workflow_id)
    assert row.workflow_id == workflow_id
    assert row.status == Status.SUBMITTED
    assert row.owner_id == caller.user_id
    assert row.token_digest == caller.token_digest
    assert (row.workspace_id, row.session_id) == (7, SESSION)
    assert (row.run_name, row.project_name) == ("mad_curie", "nf-core/demo")
    assert (row.address, row.client) == ("10.0.0.7", "Nextflow/25.04.4")
    assert Event.objects.get(subject=row.subject).kind == "created"


def test_batch_is_the_run_name_without_the_prefix() -> None:
    row = make_run(make_caller(), run_name="dispatcher_batch7")
    assert row.batch_id == "batch7"


def test_repeated_create_gets_the_same_workflow() -> None:
    caller = make_caller()
    first = tracing.create(create_call(), caller, None)
    assert tracing.create(create_call(), caller, None) == first
    assert Workflow.objects.count() == 1
    assert Event.objects.filter(kind="created").count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"instant": NOW_MS + 1},
        {"session_id": "another"},
        {"run_name": "sad_curie"},
    ],
)
def test_create_that_differs_is_another_run(other: dict[str, object]) -> None:
    caller = make_caller()
    first = tracing.create(create_call(), caller, None)
    assert tracing.create(create_call(**other), caller, None) != first
    assert Workflow.objects.count() == 2


def test_workspace_and_owner_make_another_run() -> None:
    caller = make_caller()
    made = {
        tracing.create(create_call(), caller, None),
        tracing.create(create_call(), caller, 7),
        tracing.create(create_call(), make_caller(), None),
    }
    assert len(made) == 3


def test_two_tokens_of_an_owner_make_the_same_run() -> None:
    caller = make_caller()
    other = replace(caller, token_digest="b" * 64)
    first = tracing.create(create_call(), caller, None)
    assert tracing.create(create_call(), other, None) == first


def test_create_without_a_clock_is_always_a_new_run() -> None:
    caller = make_caller()
    first = tracing.create(create_call(instant=None), caller, None)
    assert tracing.create(create_call(instant=None), caller, None) != first


def test_empty_create_makes_a_workflow() -> None:
    call = create_call(
        session_id="", run_name="", project_name="", repository="", instant=None
    )
    workflow_id = tracing.create(call, make_caller(), None)
    assert str(Workflow.objects.get()) == workflow_id


def test_unused_id_is_adopted_and_repeats_get_it() -> None:
    caller = make_caller()
    call = create_call(workflow_id="launch_7-A")
    assert tracing.create(call, caller, None) == "launch_7-A"
    assert tracing.create(call, caller, None) == "launch_7-A"
    again = replace(call, instant=NOW_MS + 50)
    assert tracing.create(again, caller, None) == "launch_7-A"
    assert Workflow.objects.count() == 1


def test_id_of_a_workflow_made_beforehand_is_bound_to_the_run() -> None:
    caller = make_caller()
    made = WorkflowFactory.create(
        workflow_id="launch7",
        owner_id=caller.user_id,
        token_digest=caller.token_digest,
        session_id="",
        run_name="",
        status=Status.SUBMITTED,
        begun_at=None,
    )
    call = create_call(workflow_id="launch7", run_name="dispatcher_b1")
    assert tracing.create(call, caller, 3) == "launch7"
    assert tracing.create(call, caller, 3) == "launch7"
    made.refresh_from_db()
    assert (made.session_id, made.run_name) == (SESSION, "dispatcher_b1")
    assert (made.batch_id, made.workspace_id) == ("b1", 3)
    assert Event.objects.filter(subject=made.subject, kind="created").count() == 1


def test_id_of_another_owner_is_refused() -> None:
    WorkflowFactory.create(workflow_id="launch7", owner=make_user())
    with pytest.raises(UnknownWorkflow):
        tracing.create(create_call(workflow_id="launch7"), make_caller(), None)
    assert Workflow.objects.count() == 1


def test_id_left_in_the_environment_does_not_mingle_two_runs() -> None:
    caller = make_caller()
    tracing.create(create_call(workflow_id="launch7"), caller, None)
    later = create_call(
        workflow_id="launch7", run_name="sad_curie", instant=NOW_MS + 99
    )
    made = tracing.create(later, caller, None)
    assert made != "launch7"
    assert Workflow.objects.get(workflow_id="launch7").run_name == "mad_curie"
    assert Workflow.objects.get(workflow_id=made).run_name == "sad_curie"


def test_open_network_does_not_take_over_imported_workflows() -> None:
    row = WorkflowFactory.create(
        workflow_id="old7", owner=None, ended=True, begun_at=None
    )
    made = tracing.create(create_call(workflow_id="old7"), open_caller(), None)
    assert made != "old7"
    row.refresh_from_db()
    assert row.session_id != SESSION


def test_dead_token_makes_nothing_but_learns_what_it_made() -> None:
    caller = make_caller()
    first = tracing.create(create_call(), caller, None)
    dead = replace(caller, is_live=False)
    assert tracing.create(create_call(), dead, None) == first
    with pytest.raises(UnknownWorkflow):
        tracing.create(create_call(instant=NOW_MS + 1), dead, None)
    assert Workflow.objects.count() == 1


def test_equal_run_names_of_two_sessions_are_two_runs() -> None:
    caller = make_caller()
    first = make_run(caller, session_id="one")
    second = make_run(caller, session_id="two")
    for row in (first, second):
        tracing.begin(row.workflow_id, begin_call(session_id=row.session_id), caller)
    assert first.workflow_id != second.workflow_id
    assert Workflow.objects.filter(status=Status.RUNNING).count() == 2


def test_resumed_run_is_another_workflow_of_the_session() -> None:
    caller = make_caller()
    first = make_run(caller)
    second = make_run(caller, run_name="sad_curie", instant=NOW_MS + 60_000)
    assert first.pk != second.pk
    assert first.session_id == second.session_id
