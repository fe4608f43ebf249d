from __future__ import annotations

from collections.abc import Callable

import pytest

from seqhub.operations.choices import Source
from seqhub.operations.errors import DomainError, IllegalTransition, InvalidValue
from seqhub.operations.models import Attention, Event
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import Actor
from tests.clients import make_user
from tests.factories import RunfolderFactory
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from tests.turret.services.calls import make_caller, update_call
from turret.choices import Status
from turret.errors import UnknownWorkflow
from turret.models import Workflow, WorkflowProcess, WorkflowTask
from turret.services import tracing
from turret.services.attention import SILENT
from turret.services.overrides import (
    LONGEST_LABEL,
    MOST_LABELS,
    delete_workflow,
    link_runfolder,
    mark_unknown,
    set_labels,
    set_owner,
    unlink_runfolder,
)

pytestmark = pytest.mark.django_db

ANNA = Actor(Source.CONSOLE, "anna")


def last_event(workflow: Workflow) -> Event:
    event = Event.objects.filter(subject=workflow.subject).first()
    assert event is not None
    assert event.actor == "anna"
    return event


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.RUNNING])
def test_nobody_waits_for_one_that_is_marked_as_unknown(status: Status) -> None:
    workflow = WorkflowFactory.create(status=status)
    open_attention(workflow.subject, SILENT, "Silent.")
    mark_unknown(workflow.pk, actor=ANNA, reason="The node died.")
    assert Workflow.objects.get().status == Status.UNKNOWN
    assert not Attention.objects.exists()
    event = last_event(workflow)
    assert event.message == "Marked as unknown. The node died."
    assert event.data["from"] == status


@pytest.mark.parametrize(
    "status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.UNKNOWN]
)
def test_what_is_over_is_not_marked_as_unknown(status: Status) -> None:
    workflow = WorkflowFactory.create(status=status)
    with pytest.raises(IllegalTransition, match="not under way"):
        mark_unknown(workflow.pk, actor=ANNA, reason="Why not?")
    assert Workflow.objects.get().status == status
    assert not Event.objects.exists()


def test_one_that_is_marked_and_calls_runs_again() -> None:
    caller = make_caller()
    workflow = WorkflowFactory.create(token_digest=caller.token_digest)
    mark_unknown(workflow.pk, actor=ANNA, reason="I thought so.")
    tracing.update(workflow.workflow_id, update_call(), caller)
    assert Workflow.objects.get().status == Status.RUNNING


def test_a_deletion_takes_all_but_its_history() -> None:
    run = RunfolderFactory.create()
    workflow = WorkflowFactory.create(runfolder=run, run_name="mad_curie")
    TaskFactory.create(workflow=workflow)
    ProcessFactory.create(workflow=workflow)
    open_attention(workflow.subject, SILENT, "Silent.")
    kept = TaskFactory.create()
    delete_workflow(workflow.pk, actor=ANNA, reason="A trial.")
    assert list(WorkflowTask.objects.all()) == [kept]
    assert list(Workflow.objects.all()) == [kept.workflow]
    assert not WorkflowProcess.objects.exists()
    assert not Attention.objects.exists()
    event = last_event(workflow)
    words = f"Workflow mad_curie ({workflow.workflow_id}) was deleted. A trial."
    assert event.message == words
    assert event.data["workflow_id"] == workflow.workflow_id
    assert event.runfolder_ref == run.pk


def test_the_owner_can_be_changed_and_taken_away() -> None:
    workflow = WorkflowFactory.create()
    bert = make_user()
    set_owner(workflow.pk, bert.pk, actor=ANNA, reason="He asked.")
    assert Workflow.objects.get().owner == bert
    event = last_event(workflow)
    assert event.message == f"{workflow} belongs to {bert.username} now. He asked."
    set_owner(workflow.pk, None, actor=ANNA)
    assert Workflow.objects.get().owner is None
    assert last_event(workflow).data["from"] == bert.pk


def test_an_owner_must_exist() -> None:
    workflow = WorkflowFactory.create()
    with pytest.raises(InvalidValue):
        set_owner(workflow.pk, 10**6, actor=ANNA)
    assert Workflow.objects.get().owner == workflow.owner


def test_labels_are_replaced_and_each_is_kept_once() -> None:
    workflow = WorkflowFactory.create(labels=["old"])
    set_labels(workflow.pk, [" b ", "a", "", "b"], actor=ANNA)
    assert Workflow.objects.get().labels == ["b", "a"]
    assert last_event(workflow).message == "Labels: b, a."
    set_labels(workflow.pk, [], actor=ANNA)
    assert Workflow.objects.get().labels == []


@pytest.mark.parametrize(
    "labels",
    [
        ["x" * (LONGEST_LABEL + 1)],
        [str(number) for number in range(MOST_LABELS + 1)],
        ["a\0b"],
    ],
)
def test_labels_that_can_not_be_kept_are_refused(labels: list[str]) -> None:
    workflow = WorkflowFactory.create(labels=["old"])
    with pytest.raises(InvalidValue):
        set_labels(workflow.pk, labels, actor=ANNA)
    assert Workflow.objects.get().labels == ["old"]


def test_a_link_to_a_run_is_in_the_history_of_the_run() -> None:
    workflow = WorkflowFactory.create()
    first, second = RunfolderFactory.create(), RunfolderFactory.create()
    link_runfolder(workflow.pk, first.pk, actor=ANNA, reason="By its samples.")
    assert last_event(workflow).runfolder_ref == first.pk
    link_runfolder(workflow.pk, second.pk, actor=ANNA)
    assert Workflow.objects.get().runfolder == second
    unlink_runfolder(workflow.pk, actor=ANNA)
    assert Workflow.objects.get().runfolder is None
    event = last_event(workflow)
    assert event.kind == "unlinked"
    assert event.runfolder_ref == second.pk


def test_what_needs_a_person_goes_along_to_another_run() -> None:
    workflow, run = WorkflowFactory.create(), RunfolderFactory.create()
    open_attention(workflow.subject, SILENT, "Silent.")
    link_runfolder(workflow.pk, run.pk, actor=ANNA)
    attention = Attention.objects.get()
    assert (attention.runfolder_ref, attention.runfolder_name) == (run.pk, run.name)
    unlink_runfolder(workflow.pk, actor=ANNA)
    attention.refresh_from_db()
    assert (attention.runfolder_ref, attention.runfolder_name) == (None, "")


def test_only_a_run_that_exists_can_be_linked() -> None:
    workflow = WorkflowFactory.create()
    with pytest.raises(InvalidValue):
        link_runfolder(workflow.pk, 10**6, actor=ANNA)
    with pytest.raises(IllegalTransition):
        unlink_runfolder(workflow.pk, actor=ANNA)


def test_what_changes_nothing_is_no_event() -> None:
    run = RunfolderFactory.create()
    workflow = WorkflowFactory.create(runfolder=run, labels=["a"])
    set_owner(workflow.pk, workflow.owner_id, actor=ANNA)
    set_labels(workflow.pk, ["a", "a "], actor=ANNA)
    link_runfolder(workflow.pk, run.pk, actor=ANNA)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda pk: mark_unknown(pk, actor=ANNA, reason=""),
        lambda pk: delete_workflow(pk, actor=ANNA, reason=""),
        lambda pk: set_owner(pk, None, actor=ANNA),
        lambda pk: set_labels(pk, [], actor=ANNA),
        lambda pk: unlink_runfolder(pk, actor=ANNA),
        lambda pk: link_runfolder(pk, RunfolderFactory.create().pk, actor=ANNA),
    ],
)
def test_a_workflow_that_is_gone_is_unknown(change: Callable[[int], object]) -> None:
    with pytest.raises(UnknownWorkflow) as refused:
        change(10**6)
    assert isinstance(refused.value, DomainError)
    assert refused.value.status == 404
