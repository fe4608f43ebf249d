"""What a person should look at because of a workflow."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from seqhub.lib.units import format_duration
from seqhub.operations.models import Attention
from seqhub.operations.services.attention import close_attention, open_attention
from turret.choices import Status
from turret.models import Workflow
from turret.selectors import HEAVY, causes_of, never_began, words_of_failure

SILENT = "workflow_silent"
FAILED = "workflow_failed"


def open_silence(workflow: Workflow) -> None:
    """It has not been heard of for too long: stalled, unknown, or it never began."""
    silence = timezone.now() - workflow.last_seen_at
    message, step = _words_of_silence(workflow, silence)
    open_attention(
        workflow.subject, SILENT, message, next_step=step, runfolder=workflow.run
    )


def close_silence(pk: int) -> None:
    """It was heard of again."""
    close_attention(f"workflow:{pk}", SILENT)


def judge_end(pk: int) -> None:
    """Its client said how it ended; the row has that already. May be repeated."""
    workflow = Workflow.objects.select_related("runfolder").defer(*HEAVY).get(pk=pk)
    close_attention(workflow.subject, SILENT)
    if workflow.status == Status.FAILED and not _was_resumed_well(workflow):
        _failed(workflow)
        return
    close_attention(workflow.subject, FAILED)
    if workflow.status == Status.SUCCEEDED and workflow.session_id:
        _close_earlier(workflow)


def move(workflow: Workflow) -> None:
    """It belongs to another run, or to none."""
    ref, name = workflow.run or (None, "")
    rows = Attention.objects.filter(subject=workflow.subject)
    rows.update(runfolder_ref=ref, runfolder_name=name)


def close_all(workflow: Workflow) -> None:
    """A person has decided, or it is about to be deleted."""
    close_attention(workflow.subject)


def _failed(workflow: Workflow) -> None:
    cause = causes_of([workflow]).get(workflow.pk)
    why = words_of_failure(workflow, cause).rstrip(".")
    message = f"Workflow {workflow} failed. {why}." if why else f"{workflow} failed."
    hint = cause.hint.replace("`", "") if cause else ""
    step = hint or "Look at its failed tasks."
    open_attention(
        workflow.subject,
        FAILED,
        message,
        next_step=f"{step.rstrip('.')}. Then resume it, or set this aside.",
        runfolder=workflow.run,
    )


def _close_earlier(workflow: Workflow) -> None:
    """What it resumed has come to a good end after all."""
    earlier = Workflow.objects.filter(
        session_id=workflow.session_id, created_at__lt=workflow.created_at
    )
    newest_first = earlier.order_by("-created_at", "-pk").values_list("pk", flat=True)
    subjects = [f"workflow:{pk}" for pk in newest_first]
    rows = Attention.objects.filter(subject__in=subjects, code__in=(FAILED, SILENT))
    standing = set(rows.values_list("subject", flat=True))
    # All go this way: several that end at once can't wait for each other in a circle.
    for subject in subjects:
        if subject in standing:
            close_attention(subject, FAILED, SILENT)


def _was_resumed_well(workflow: Workflow) -> bool:
    """A later workflow of the session succeeded; this one's end comes late."""
    if not workflow.session_id:
        return False
    later = Workflow.objects.filter(
        session_id=workflow.session_id,
        created_at__gt=workflow.created_at,
        status=Status.SUCCEEDED,
    )
    return later.exists()


def _words_of_silence(workflow: Workflow, silence: dt.timedelta) -> tuple[str, str]:
    """Message and next step."""
    lasting = format_duration(silence.total_seconds(), units=1)
    if never_began(workflow):
        return (
            f"Workflow {workflow} never began: nothing was heard for {lasting}.",
            "Look at .nextflow.log where it was started; its script may not compile.",
        )
    if workflow.status == Status.UNKNOWN:
        return (
            f"What became of workflow {workflow}? Nothing was heard for {lasting}.",
            "Look at .nextflow.log in its launch directory, and resume it if it died.",
        )
    return (
        f"Workflow {workflow} is silent: nothing was heard for {lasting}.",
        "Look whether Nextflow still runs, and whether it can reach this server.",
    )
