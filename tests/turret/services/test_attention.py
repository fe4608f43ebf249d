from __future__ import annotations

import pytest

from seqhub.operations.choices import Source
from seqhub.operations.models import Attention
from seqhub.operations.services.attention import ignore_attention, open_attention
from seqhub.operations.services.events import Actor
from tests.factories import RunfolderFactory
from tests.turret.factories import TaskFactory, WorkflowFactory
from tests.turret.services.calls import complete_call, make_caller
from turret.choices import Status
from turret.models import Workflow
from turret.services import attention, tracing
from turret.services.attention import FAILED, SILENT

pytestmark = pytest.mark.django_db


def codes() -> list[tuple[str, str]]:
    return list(Attention.objects.order_by("pk").values_list("subject", "code"))


def failed(**fields: object) -> Workflow:
    row = WorkflowFactory.create(
        ended=True, **{"status": Status.FAILED, "success": False, **fields}
    )
    attention.judge_end(row.pk)
    return row


def test_a_failure_is_told_with_its_cause_and_the_next_step() -> None:
    run = RunfolderFactory.create()
    row = WorkflowFactory.create(
        ended=True, status=Status.FAILED, runfolder=run, run_name="mad_curie"
    )
    for exit_status, action in ((1, "retry"), (2, "ignore"), (137, "terminate")):
        TaskFactory.create(
            workflow=row, status="failed", exit=exit_status, error_action=action
        )
    attention.judge_end(row.pk)
    found = Attention.objects.get()
    assert found.code == FAILED
    assert found.message.startswith("Workflow mad_curie failed. It was killed")
    assert "best with a retry: memory." in found.next_step
    assert found.next_step.endswith("Then resume it, or set this aside.")
    assert (found.runfolder_ref, found.runfolder_name) == (run.pk, run.name)


def test_without_a_failed_task_nextflow_is_quoted_and_no_secret() -> None:
    failed(run_name="mad_curie", error_message="No such file: --token hunter2\nat x")
    message = Attention.objects.get().message
    assert message == "Workflow mad_curie failed. No such file: --token [masked]."


def test_a_failure_of_which_nothing_is_known_is_told_too() -> None:
    failed(run_name="mad_curie")
    assert Attention.objects.get().message == "mad_curie failed."


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.CANCELLED, Status.UNKNOWN])
def test_no_other_end_needs_a_person(status: Status) -> None:
    row = WorkflowFactory.create(ended=True, status=status)
    open_attention(row.subject, SILENT, "Silent.")
    attention.judge_end(row.pk)
    assert not codes()


def test_the_end_of_a_resumed_workflow_closes_the_failures_before() -> None:
    first = failed(session_id="s")
    second = failed(session_id="s")
    stranger = failed()
    assert len(codes()) == 3
    third = WorkflowFactory.create(ended=True, session_id="s")
    attention.judge_end(third.pk)
    assert codes() == [(stranger.subject, FAILED)]
    # Their complete calls are repeated, or come late.
    attention.judge_end(first.pk)
    attention.judge_end(second.pk)
    assert codes() == [(stranger.subject, FAILED)]


def test_a_success_closes_no_later_failure() -> None:
    first = WorkflowFactory.create(ended=True, session_id="s")
    second = failed(session_id="s")
    attention.judge_end(first.pk)
    assert codes() == [(second.subject, FAILED)]


def test_workflows_without_a_session_are_strangers() -> None:
    first = failed(session_id="")
    attention.judge_end(WorkflowFactory.create(ended=True, session_id="").pk)
    assert codes() == [(first.subject, FAILED)]


def test_what_was_set_aside_stays_so_when_the_end_is_told_again() -> None:
    row = failed()
    anna = Actor(Source.CONSOLE, "anna")
    ignore_attention(Attention.objects.get().pk, actor=anna, reason="Known.")
    attention.judge_end(row.pk)
    assert Attention.objects.get().ignored_by == "anna"


def test_the_complete_call_of_a_failed_workflow_opens_it() -> None:
    caller = make_caller()
    row = WorkflowFactory.create(token_digest=caller.token_digest)
    open_attention(row.subject, SILENT, "Silent.")
    call = complete_call(success=False, exit_status=1, error_message="It broke.")
    tracing.complete(row.workflow_id, call, caller)
    assert codes() == [(row.subject, FAILED)]
