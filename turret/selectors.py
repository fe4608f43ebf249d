"""Reads that more than one door needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from turret.engine import headline as words
from turret.engine.causes import Cause
from turret.engine.failures import cause_of
from turret.engine.masking import mask
from turret.engine.records import Counters, Process
from turret.engine.states import Done, done_of
from turret.errors import UnknownLaunch, UnknownPipeline, UnknownWorkflow
from turret.models import Launch, Pipeline, Workflow, WorkflowProcess, WorkflowTask
from turret.words import ErrorAction, Status, TaskStatus

# Columns of a workflow that no list needs.
HEAVY = (
    "config_files",
    "config_text",
    "params",
    "manifest",
    "stats",
    "metrics",
    "dag",
    "process_names",
    "containers",
    "extra",
    "error_report",
)
# The same of a task, and of the run folder of a workflow.
TASK_HEAVY = ("script", "env", "extra")
# Columns of a launch that no list needs, and of what it was started from.
LAUNCH_HEAVY = ("config_text", "followed")
_PIPELINE_HEAVY = ("description", "config_text", "params", "visible_params", "labels")
_COMPUTE_HEAVY = ("config_text", "modules", "pre_run", "environment")
_RUNFOLDER_HEAVY = ("signature", "extra", "markers", "reads", "sheet_problems")
# A session may be resumed for ever.
LONGEST_CHAIN = 100

_NOT_THE_END = (ErrorAction.RETRY.value, ErrorAction.IGNORE.value)
_COUNTS = tuple(field.name for field in fields(Counters))


def listed_workflows() -> QuerySet[Workflow]:
    """All of them, without HEAVY columns; owner and run folder are at hand."""
    return Workflow.objects.select_related("owner", "runfolder").defer(
        *HEAVY, *(f"runfolder__{name}" for name in _RUNFOLDER_HEAVY)
    )


def find_workflow(workflow_id: str, *heavy: str) -> Workflow:
    """The workflow with those of its HEAVY columns that are named.

    Raises UnknownWorkflow.
    """
    rows = Workflow.objects.select_related("owner", "runfolder")
    rows = rows.defer(*(set(HEAVY) - set(heavy)))
    # PostgreSQL refuses U+0000 in texts.
    row = rows.filter(workflow_id=workflow_id.replace("\0", "")).first()
    if row is None:
        raise UnknownWorkflow(f"There is no run {workflow_id[:50]}.")
    return row


def listed_launches() -> QuerySet[Launch]:
    """All of them, newest first, without LAUNCH_HEAVY columns; workflow, owner, parent,
    saved pipeline and compute environment are at hand, by what lists show of them."""
    rows = Launch.objects.select_related(
        "workflow", "owner", "pipeline", "compute", "parent__workflow"
    )
    return rows.defer(
        *LAUNCH_HEAVY,
        *(f"workflow__{name}" for name in HEAVY),
        *(f"pipeline__{name}" for name in _PIPELINE_HEAVY),
        *(f"compute__{name}" for name in _COMPUTE_HEAVY),
        *(f"parent__{name}" for name in (*LAUNCH_HEAVY, "params")),
        *(f"parent__workflow__{name}" for name in HEAVY),
    )


def find_launch(launch_id: str) -> Launch:
    """The launch whose workflow has this id, as in listed_launches; a deferred column
    takes a query. Raises UnknownLaunch."""
    # PostgreSQL refuses U+0000 in texts.
    wanted = launch_id.replace("\0", "")
    row = listed_launches().filter(workflow__workflow_id=wanted).first()
    if row is None:
        raise UnknownLaunch(f"There is no launch {launch_id[:50]}.")
    return row


def launchable_pipelines(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Pipeline]:
    """Saved pipelines that this person may launch, if they may launch at all."""
    rows = _pipelines().filter(is_enabled=True)
    if isinstance(user, User) and user.is_superuser:
        return rows
    kept = Pipeline.groups.through.objects.values("pipeline")
    own = kept.filter(group__user=user.pk)
    return rows.filter(~Q(pk__in=kept) | Q(pk__in=own))


def visible_pipelines(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Pipeline]:
    """Those that this person may launch; all, for who changes them."""
    if isinstance(user, User) and user.has_perm("turret.change_pipeline"):
        return _pipelines()
    return launchable_pipelines(user)


def find_pipeline(pk: int, user: AbstractBaseUser | AnonymousUser) -> Pipeline:
    """One of visible_pipelines. Raises UnknownPipeline."""
    row = visible_pipelines(user).filter(pk=pk).first()
    if row is None:
        raise UnknownPipeline(f"There is no saved pipeline {pk}.")
    return row


def find_launchable(pk: int, user: AbstractBaseUser | AnonymousUser) -> Pipeline:
    """Raises UnknownPipeline, also for one that this person may not launch."""
    row = launchable_pipelines(user).filter(pk=pk).first()
    if row is None:
        raise UnknownPipeline(f"There is no saved pipeline {pk} that you may launch.")
    return row


def chain_of(workflow: Workflow) -> list[Workflow]:
    """The workflows of its session, oldest first, itself included: each but the first
    resumes the one before. The youngest LONGEST_CHAIN of them."""
    if not workflow.session_id:
        return [workflow]
    rows = listed_workflows().filter(session_id=workflow.session_id)
    return list(rows.order_by("-created_at", "-pk")[:LONGEST_CHAIN])[::-1]


def failed_tasks(workflow: Workflow) -> QuerySet[WorkflowTask]:
    """What failed, without TASK_HEAVY columns: first what ended the workflow, then
    what was ignored, then what was tried again; the latest first."""
    importance = Case(
        When(error_action=ErrorAction.RETRY.value, then=Value(2)),
        When(error_action=ErrorAction.IGNORE.value, then=Value(1)),
        default=Value(0),
        output_field=IntegerField(),
    )
    rows = WorkflowTask.objects.filter(
        workflow=workflow, status=TaskStatus.FAILED.value
    )
    return rows.defer(*TASK_HEAVY).order_by(importance, "-task_id")


def origin_of(task: WorkflowTask) -> WorkflowTask | None:
    """The task of an earlier workflow of the session whose result a cached one is, with
    that workflow; without TASK_HEAVY columns."""
    workflow = task.workflow
    if task.status != TaskStatus.CACHED or not (task.hash and workflow.session_id):
        return None
    earlier = Workflow.objects.filter(
        session_id=workflow.session_id, created_at__lt=workflow.created_at
    )
    keys = list(earlier.values_list("pk", flat=True)[:LONGEST_CHAIN])
    rows = WorkflowTask.objects.filter(
        workflow__in=keys, hash=task.hash, status=TaskStatus.COMPLETED.value
    )
    rows = rows.select_related("workflow").defer(
        *TASK_HEAVY, *(f"workflow__{name}" for name in HEAVY)
    )
    return rows.order_by("-workflow__created_at").first()


def ending_tasks(workflows: Iterable[Workflow]) -> QuerySet[WorkflowTask]:
    """Failed tasks that were neither ignored nor tried again."""
    rows = WorkflowTask.objects.filter(
        workflow__in=workflows, status=TaskStatus.FAILED.value
    )
    return rows.exclude(error_action__in=_NOT_THE_END)


def progress_of(workflow: Workflow) -> Done:
    """How many of its tasks are done; all of them when it has ended."""
    is_over = Status(workflow.status).is_final
    return done_of(counters_of(workflow), ended=is_over)


def headline(workflow: Workflow) -> str:
    """The sentence that opens its page; two queries at the most."""
    cause = causes_of([workflow]).get(workflow.pk)
    return headline_of(workflow, workflow.processes.all(), cause)


def headline_of(
    workflow: Workflow, processes: Iterable[WorkflowProcess], cause: Cause | None
) -> str:
    """The same from rows that are at hand already. No query."""
    begun_at = workflow.begun_at
    if begun_at is None and not never_began(workflow):
        begun_at = workflow.created_at  # its begin was lost
    story = words.Story(
        status=Status(workflow.status),
        since=workflow.status_since,
        last_seen_at=workflow.last_seen_at,
        counters=counters_of(workflow),
        processes=[_process(row) for row in processes],
        begun_at=begun_at,
        stalled_at=workflow.stalled_at,
        duration_s=None
        if workflow.duration_ms is None
        else workflow.duration_ms / 1000,
        cause=words_of_failure(workflow, cause),
    )
    return words.headline(story, timezone.now())


def causes_of(workflows: Iterable[Workflow]) -> dict[int, Cause]:
    """Workflow id -> why it failed, by the first task that ended it; workflows whose
    tasks say nothing are missing. One query."""
    failed = [row for row in workflows if row.status == Status.FAILED.value]
    if not failed:
        return {}
    first = (
        ending_tasks(failed).order_by("workflow_id", "task_id").distinct("workflow_id")
    )
    said = {row.pk: row.error_message for row in failed}
    return {
        pk: cause_of(exit_status, action, said[pk])
        for pk, exit_status, action in first.values_list(
            "workflow_id", "exit", "error_action"
        )
    }


def words_of_failure(workflow: Workflow, cause: Cause | None) -> str:
    """Why it failed: `cause`, or the first line of what Nextflow says."""
    if cause is not None:
        return cause.words
    said = workflow.error_message.strip().partition("\n")[0]
    return str(mask(said))


def never_began(workflow: Workflow) -> bool:
    """Nothing came after its create call."""
    return workflow.begun_at is None and workflow.progress_instant is None


def counters_of(row: Workflow | WorkflowProcess) -> Counters:
    return Counters(**{name: getattr(row, name) for name in _COUNTS})


def _pipelines() -> QuerySet[Pipeline]:
    rows = Pipeline.objects.select_related("compute", "owner")
    return rows.prefetch_related("groups")


def _process(row: WorkflowProcess) -> Process:
    counts = {name: getattr(row, name) for name in _COUNTS}
    return Process(name=row.name, index=row.index, stored=row.stored, **counts)
