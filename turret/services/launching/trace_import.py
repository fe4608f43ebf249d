"""Runs that nobody followed, taken over from the files that Nextflow left behind."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef

from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor
from turret.choices import Status, TaskStatus
from turret.engine.launching.followed import Followed
from turret.engine.launching.look import Look, error_report, look
from turret.engine.records import Counters, Run
from turret.engine.states import true_failures
from turret.engine.trace_table import read_names
from turret.models import Workflow, WorkflowTask
from turret.services.callers import NO_TOKEN, Caller
from turret.services.creation import batch_id_of, new_workflow_id
from turret.services.history import record
from turret.services.launching.follow_rows import (
    now_ms,
    progress_of,
    settle_tasks,
    store_look,
)
from turret.services.linking import link_by_itself
from turret.services.rows import store_processes
from turret.words import ErrorAction

_MARK = "trace file"
_LONGEST_HEADER = 64 << 10
_CHUNK = 1 << 20
# In `extra`: what it was made of.
_FILE, _BYTES = "traceFile", "traceBytes"


@dataclass(frozen=True, slots=True)
class Imported:
    workflow: Workflow
    is_new: bool


@transaction.atomic
def import_trace(
    trace: Path,
    log: Path | None = None,
    *,
    name: str = "",
    owner: User | None = None,
    actor: Actor,
) -> Imported:
    """Make a workflow of a trace file, and of the log if there is one. The same trace
    file again, wherever it lies, changes nothing; one that was taken over before it
    was all there is gone on with.

    Raises InvalidValue when it is no trace file, says nothing, is of another run than
    the log, or of one that was traced here.
    """
    key, size_bytes = _key_of(trace)
    known = Workflow.objects.filter(create_key=key).first()
    if known is not None and (log is None or known.status != Status.UNKNOWN):
        return Imported(known, is_new=False)
    seen = look(trace, log, Followed(), is_over=True)
    if seen is None or not (seen.news.of_trace or seen.news.of_log or seen.news.run):
        raise InvalidValue(f"{trace} has no tasks, and no log says more.")
    _refuse_strangers(trace, seen)
    told = seen.news.run or Run()
    at = dt.datetime.fromtimestamp(trace.stat().st_mtime, dt.UTC)
    workflow = known or _grown(trace)
    is_new = workflow is None
    if workflow is None:
        _refuse_traced(told)
        workflow = _made(name or told.run_name or trace.stem, owner, at)
    workflow.create_key = key
    kept = {"importedFrom": _MARK, _FILE: str(trace), _BYTES: size_bytes}
    workflow.extra = {**workflow.extra, **kept}
    workflow.save(update_fields=["create_key", "extra"])
    after = _store(workflow, seen, trace, log, workflow.run_name)
    _end(workflow, after, log, at)
    words = f"Taken over from {trace}."
    record(workflow, "taken_over", words, actor=actor)
    return Imported(workflow, is_new)


def _made(name: str, owner: User | None, at: dt.datetime) -> Workflow:
    run_name = name[:255]
    return Workflow.objects.create(
        workflow_id=new_workflow_id(),
        token_digest=NO_TOKEN,
        owner=owner,
        run_name=run_name,
        batch_id=batch_id_of(run_name),
        status=Status.UNKNOWN,
        status_since=at,
        created_at=at,
        begun_at=at,
        last_seen_at=at,
        extra={},
    )


def _grown(trace: Path) -> Workflow | None:
    """What was made of the beginning of this file, when it was shorter."""
    for row in Workflow.objects.filter(**{f"extra__{_FILE}": str(trace)}):
        size_bytes = row.extra.get(_BYTES)
        if (
            isinstance(size_bytes, int)
            and _key_of(trace, size_bytes)[0] == row.create_key
        ):
            return row
    return None


def _refuse_strangers(trace: Path, seen: Look) -> None:
    """A directory keeps one log, and trace files of many runs."""
    ids = seen.news.of_trace.keys() & seen.news.of_log.keys()
    pairs = [(seen.news.of_trace[one].hash, seen.news.of_log[one].hash) for one in ids]
    if pairs and not any(ours == theirs for ours, theirs in pairs):
        raise InvalidValue(f"{trace} and the log are of two runs: no task is in both.")


def _key_of(trace: Path, size_bytes: int | None = None) -> tuple[str, int]:
    """Of its content, or of so much of it; and how much that is."""
    try:
        with trace.open("rb") as file:
            header = file.readline(_LONGEST_HEADER).decode("utf-8", "replace")
            if not read_names(header).is_trace:
                raise InvalidValue(
                    f"{trace} is no trace file of Nextflow: its first line names no"
                    " column `status`."
                )
            file.seek(0)
            digest, left = hashlib.sha256(), size_bytes
            while data := file.read(_CHUNK if left is None else min(_CHUNK, left)):
                digest.update(data)
                left = None if left is None else left - len(data)
            read_bytes = file.tell()
    except OSError as error:
        raise InvalidValue(f"{trace} can't be read: {error.strerror}.") from None
    told = json.dumps([_MARK, digest.hexdigest()])
    return hashlib.sha256(told.encode()).hexdigest(), read_bytes


def _refuse_traced(run: Run) -> None:
    if not run.session_id:
        return
    rows = Workflow.objects.filter(session_id=run.session_id, run_name=run.run_name)
    if (traced := rows.first()) is not None:
        raise InvalidValue(
            f"{run.run_name} is here already: workflow {traced.workflow_id}."
        )


def _store(
    workflow: Workflow, seen: Look, trace: Path, log: Path | None, run_name: str
) -> Followed:
    caller = Caller(None, NO_TOKEN, is_live=True, bound_to="", address="", client="")
    while True:
        if seen.news.run is not None:
            run = replace(seen.news.run, run_name=run_name)
            seen = replace(seen, news=replace(seen.news, run=run))
        store_look(workflow.workflow_id, caller, seen, Run(), is_over=True)
        after = seen.after
        more = look(trace, log, after, is_over=True) if seen.is_behind else None
        if more is None:
            return after
        seen = more


def _end(
    workflow: Workflow, followed: Followed, log: Path | None, at: dt.datetime
) -> None:
    """How it stands, as far as its files say; nothing more is made up."""
    tasks = WorkflowTask.objects.filter(workflow=workflow)
    is_killed = log is not None and not followed.ended_at
    if not is_killed:
        settle_tasks(workflow.pk)
    _find_retries(workflow)
    progress = progress_of(workflow.pk, followed, is_over=True)
    store_processes(workflow.pk, progress.processes)
    times = tasks.aggregate(begun=Min("submitted_at"), ended=Max("completed_at"))
    workflow.refresh_from_db()
    began_at = workflow.started_at or times["begun"] or at
    ended_at = times["ended"] or at
    if followed.ended_at:
        ended_at = dt.datetime.fromisoformat(followed.ended_at)
    changes: dict[str, Any] = {
        **asdict(progress.counters),
        **_verdict(followed, progress.counters, log),
        "created_at": began_at,
        "begun_at": began_at,
        "started_at": began_at,
        "last_seen_at": ended_at,
        "status_since": ended_at,
        "progress_instant": now_ms(),
    }
    if changes["status"] != Status.UNKNOWN:
        changes["ended_at"] = changes["completed_at"] = ended_at
        lasting = (ended_at - began_at).total_seconds()
        changes["duration_ms"] = max(0, round(lasting * 1000))
    for column, value in changes.items():
        setattr(workflow, column, value)
    workflow.save(update_fields=list(changes))
    named = Run(work_dir=workflow.work_dir, command_line=workflow.command_line)
    link_by_itself(workflow.pk, named)


def _verdict(
    followed: Followed, counters: Counters, log: Path | None
) -> dict[str, Any]:
    if log is not None and not followed.ended_at:
        return {"status": Status.UNKNOWN}
    if followed.signal:
        told = {"error_message": followed.signal, "error_report": followed.signal}
        return {"status": Status.CANCELLED, "success": False, **told}
    if log is not None and followed.error_at is not None:
        report = error_report(log, followed.error_at)
        message = report.partition("\n")[0]
        told = {"error_message": message, "error_report": report}
        return {"status": Status.FAILED, "success": False, **told}
    if true_failures(counters) + counters.aborted > 0:
        return {"status": Status.FAILED, "success": False}
    return {"status": Status.SUCCEEDED, "success": True}


def _find_retries(workflow: Workflow) -> None:
    """Where no column and no log says so: what failed, and came again."""
    tasks = WorkflowTask.objects.filter(workflow=workflow)
    later = tasks.filter(name=OuterRef("name"), task_id__gt=OuterRef("task_id"))
    failed = tasks.filter(status=TaskStatus.FAILED, error_action="").exclude(name="")
    failed.filter(Exists(later)).update(error_action=ErrorAction.RETRY.value)
