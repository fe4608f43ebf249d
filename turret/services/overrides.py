"""What people say of a workflow: how it stands, whose it is, what it belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from runfolders.models import Runfolder
from seqhub.operations.errors import IllegalTransition, InvalidValue
from seqhub.operations.services.events import Actor
from turret.choices import UNDER_WAY, Status
from turret.errors import UnknownWorkflow
from turret.models import Workflow
from turret.services import attention
from turret.services.history import record

MOST_LABELS = 20
LONGEST_LABEL = 50


def lock_workflow(pk: int) -> Workflow:
    """The row, locked until the transaction ends. Raises UnknownWorkflow."""
    rows = Workflow.objects.select_for_update(of=("self",)).select_related("runfolder")
    try:
        return rows.get(pk=pk)
    except Workflow.DoesNotExist:
        raise UnknownWorkflow("The workflow is no longer known.") from None


@transaction.atomic
def mark_unknown(pk: int, *, actor: Actor, reason: str) -> Workflow:
    """Nobody waits for it any longer. If it is heard of again, it runs again.

    Raises UnknownWorkflow, and IllegalTransition when it is not under way.
    """
    workflow = lock_workflow(pk)
    if workflow.status not in UNDER_WAY:
        word = workflow.get_status_display()
        raise IllegalTransition(f"{workflow} is {word}: it is not under way.")
    old = workflow.status
    workflow.status = Status.UNKNOWN
    workflow.status_since = timezone.now()
    workflow.stalled_at = None
    workflow.save(update_fields=["status", "status_since", "stalled_at"])
    attention.close_all(workflow)
    record(
        workflow,
        "marked_unknown",
        f"Marked as unknown. {reason}",
        actor=actor,
        data={"from": old, "to": Status.UNKNOWN.value, "reason": reason},
    )
    return workflow


@transaction.atomic
def delete_workflow(pk: int, *, actor: Actor, reason: str) -> None:
    """With its processes and tasks; its events stay. Raises UnknownWorkflow.

    A Nextflow that still runs is told then that there is no such workflow.
    """
    workflow = lock_workflow(pk)
    data = {
        "workflow_id": workflow.workflow_id,
        "run_name": workflow.run_name,
        "session_id": workflow.session_id,
        "status": workflow.status,
        "reason": reason,
    }
    message = f"Workflow {workflow} ({workflow.workflow_id}) was deleted. {reason}"
    record(workflow, "deleted", message, actor=actor, data=data)
    attention.close_all(workflow)
    workflow.delete()


@transaction.atomic
def set_owner(
    pk: int, user_id: int | None, *, actor: Actor, reason: str = ""
) -> Workflow:
    """Raises UnknownWorkflow, and InvalidValue for a user who does not exist."""
    workflow = lock_workflow(pk)
    user = None if user_id is None else User.objects.filter(pk=user_id).first()
    if user_id is not None and user is None:
        raise InvalidValue(f"There is no user {user_id}.")
    if workflow.owner_id == user_id:
        return workflow
    before = workflow.owner_id
    workflow.owner = user
    workflow.save(update_fields=["owner"])
    whose = f"belongs to {user.username}" if user else "belongs to nobody"
    record(
        workflow,
        "owner_changed",
        f"{workflow} {whose} now. {reason}",
        actor=actor,
        data={"from": before, "to": user_id, "reason": reason},
    )
    return workflow


@transaction.atomic
def set_labels(
    pk: int, labels: Iterable[str], *, actor: Actor, reason: str = ""
) -> Workflow:
    """Replace its labels: each once, without spaces around it.

    Raises UnknownWorkflow, InvalidValue.
    """
    wanted = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
    if long := [label for label in wanted if len(label) > LONGEST_LABEL]:
        raise InvalidValue(
            f"The label {long[0][:20]}... is longer than {LONGEST_LABEL} characters."
        )
    if len(wanted) > MOST_LABELS:
        raise InvalidValue(f"A workflow has at most {MOST_LABELS} labels.")
    if any("\0" in label for label in wanted):
        raise InvalidValue("A label can't hold U+0000.")
    workflow = lock_workflow(pk)
    before = list(workflow.labels)
    if before == wanted:
        return workflow
    workflow.labels = wanted
    workflow.save(update_fields=["labels"])
    said = f"Labels: {', '.join(wanted)}." if wanted else "It has no labels now."
    record(
        workflow,
        "labelled",
        f"{said} {reason}",
        actor=actor,
        data={"from": before, "to": wanted, "reason": reason},
    )
    return workflow


@transaction.atomic
def link_runfolder(
    pk: int, runfolder_id: int, *, actor: Actor, reason: str = ""
) -> Workflow:
    """Say which run it analyses. Raises UnknownWorkflow, InvalidValue."""
    workflow = lock_workflow(pk)
    run = Runfolder.objects.filter(pk=runfolder_id).first()
    if run is None:
        raise InvalidValue("There is no such run.")
    if workflow.runfolder_id == run.pk:
        return workflow
    workflow.runfolder = run
    workflow.save(update_fields=["runfolder"])
    attention.move(workflow)
    message = f"{workflow} was linked to {run.name}. {reason}"
    record(workflow, "linked", message, actor=actor, data={"reason": reason})
    return workflow


@transaction.atomic
def unlink_runfolder(pk: int, *, actor: Actor, reason: str = "") -> Workflow:
    """Raises UnknownWorkflow, and IllegalTransition if it is linked to none."""
    workflow = lock_workflow(pk)
    if workflow.runfolder is None:
        raise IllegalTransition(f"{workflow} is not linked to a run.")
    # The run's timeline should have it.
    message = f"{workflow} is no longer linked to {workflow.runfolder.name}. {reason}"
    record(workflow, "unlinked", message, actor=actor, data={"reason": reason})
    workflow.runfolder = None
    workflow.save(update_fields=["runfolder"])
    attention.move(workflow)
    return workflow
