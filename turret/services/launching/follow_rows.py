"""What the files of a run say, written down as if Nextflow had told it itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from django.db.models import Count, Q
from django.utils import timezone

from turret.choices import TaskStatus
from turret.engine.launching.followed import Followed
from turret.engine.launching.look import Look
from turret.engine.records import Begin, Counters, Process, Progress, Run, Update
from turret.engine.trace_table import id_of_hash
from turret.models import WorkflowTask
from turret.services import rows, tracing
from turret.services.callers import Caller
from turret.services.columns import store_columns
from turret.words import ErrorAction

_COUNTED: dict[str, str] = {
    TaskStatus.NEW: "pending",
    TaskStatus.SUBMITTED: "submitted",
    TaskStatus.RUNNING: "running",
    TaskStatus.COMPLETED: "succeeded",
    TaskStatus.FAILED: "failed",
    TaskStatus.CACHED: "cached",
    TaskStatus.ABORTED: "aborted",
}
_UNDER_WAY = (TaskStatus.NEW, TaskStatus.SUBMITTED, TaskStatus.RUNNING)
# Of what only the log says. The trace file knows better, whenever it is read.
_OF_LOG = 0


def now_ms() -> int:
    return round(timezone.now().timestamp() * 1000)


def store_look(
    workflow_id: str, caller: Caller, seen: Look, known: Run, *, is_over: bool = False
) -> None:
    """In the caller's transaction. `known` is what we know of the run besides.

    While it is not over, the workflow has been heard of, and runs.
    """
    held = rows.hold(workflow_id, caller)
    news, instant = seen.news, now_ms()
    if news.run is not None:
        _store_run(workflow_id, held, caller, _joined(news.run, known), seen.after)
    if news.of_log:
        rows.store_tasks(held.pk, news.of_log.values(), _OF_LOG)
    if news.of_trace:
        rows.store_tasks(held.pk, news.of_trace.values(), instant)
    _store_actions(held.pk, news.actions)
    _drop_made_up(held.pk, news.known_hashes)
    if is_over and seen.is_behind:
        return  # counted when all is read
    progress = progress_of(held.pk, seen.after)
    if not is_over:
        told = Update([], progress, [], max(instant, held.progress_instant or 0))
        tracing.update(workflow_id, told, caller)
        return
    rows.store_processes(held.pk, progress.processes)
    rows.mark_seen(held.pk, timezone.now(), held.status, progress.counters, instant)


def progress_of(pk: int, followed: Followed, *, is_over: bool = False) -> Progress:
    """The tasks of a workflow, counted. What waits in Nextflow nobody knows."""
    processes = {
        name: Process(name=name, index=index, terminated=is_over)
        for index, name in enumerate(followed.processes, 1)
    }
    total = Counters()
    for name, status, count, ignored, retries in _counts(pk):
        new = Process(name=name, index=len(processes) + 1, terminated=is_over)
        process = processes.setdefault(name, new)
        for counters in (total, process):
            _add(counters, _COUNTED.get(status), count)
            if status == TaskStatus.FAILED:
                _add(counters, "ignored", ignored)
                _add(counters, "retries", retries)
    if is_over and followed.counters is not None:
        total = followed.counters
    return Progress(total, list(processes.values()))


def settle_tasks(pk: int) -> None:
    """Nothing runs any more: what has not ended was stopped."""
    tasks = WorkflowTask.objects.filter(workflow=pk)
    made_up = tasks.filter(task_id__lt=0).exclude(hash="")
    twins = tasks.filter(task_id__gte=0, hash__in=made_up.values("hash"))
    hashes = set(twins.values_list("hash", flat=True))
    _drop_made_up(pk, hashes)
    tasks.filter(status__in=_UNDER_WAY).update(status=TaskStatus.ABORTED)


def _store_run(
    workflow_id: str, held: rows.Held, caller: Caller, run: Run, after: Followed
) -> None:
    if held.begun_at is None and not run.session_id:
        # Its script is being compiled.
        told = {"command_line": run.command_line}
        told["nextflow_version"] = run.nextflow_version
        store_columns(held.pk, told)
        return
    begin = Begin(run, after.processes, dag=None, instant=None)
    tracing.begin(workflow_id, begin, caller)


def _joined(run: Run, known: Run) -> Run:
    """What is known besides, where the log says nothing."""
    gaps = {
        field.name: getattr(known, field.name)
        for field in fields(Run)
        if getattr(run, field.name) in (None, "", {}, [])
    }
    return replace(run, **gaps)


def _counts(pk: int) -> Iterable[tuple[str, str, int, int, int]]:
    tasks = WorkflowTask.objects.filter(workflow=pk).order_by()
    by_state = tasks.values_list("process", "status").annotate(
        count=Count("pk"),
        ignored=Count("pk", filter=Q(error_action=ErrorAction.IGNORE.value)),
        retries=Count("pk", filter=Q(error_action=ErrorAction.RETRY.value)),
    )
    return by_state.order_by("process", "status")


def _add(counters: Counters, name: str | None, count: int) -> None:
    if name is not None:
        setattr(counters, name, getattr(counters, name) + count)


def _store_actions(pk: int, actions: dict[str, ErrorAction]) -> None:
    for action in set(actions.values()):
        hashes = [short for short, one in actions.items() if one is action]
        tasks = WorkflowTask.objects.filter(workflow=pk, hash__in=hashes)
        tasks.filter(error_action="").update(error_action=action.value)


def _drop_made_up(pk: int, hashes: Iterable[str]) -> None:
    """Tasks whose own ids are known now."""
    ids = [made_up for short in hashes if (made_up := id_of_hash(short)) is not None]
    if ids:
        WorkflowTask.objects.filter(workflow=pk, task_id__in=ids).delete()
