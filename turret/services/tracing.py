"""What Nextflow tells of a workflow, written down: one transaction a call.

Calls may come twice, late, and in any order; the same rows come of them.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from turret.choices import Status
from turret.engine.records import (
    Begin,
    Complete,
    Counters,
    Create,
    JsonObject,
    Progress,
    Run,
    Update,
)
from turret.engine.states import verdict
from turret.engine.unread import Unread
from turret.models import Launch, Workflow
from turret.selectors import listed_workflows
from turret.services import attention, creation, rows
from turret.services.callers import TRACE, Caller
from turret.services.columns import (
    add_containers,
    columns_at_begin,
    columns_at_end,
    store_columns,
)
from turret.services.history import record
from turret.services.linking import link_by_itself
from turret.services.rows import BAD_DATA, Held
from turret.services.unread import store_unread

log = logging.getLogger(__name__)

# Of a note, in characters.
LONGEST_NOTE = 255


def create(call: Create, caller: Caller, workspace_id: int | None) -> str:
    """The id of the call's workflow. The same call again, also at the same time, gets
    the same one.

    A well-formed id that the call brings along (TOWER_WORKFLOW_ID) is adopted.
    Raises UnknownWorkflow if that one is another's, or if the token is dead.
    """
    try:
        return creation.workflow_id_of(call, caller, workspace_id)
    except IntegrityError:  # a twin was quicker; it has committed
        return creation.workflow_id_of(call, caller, workspace_id)


def begin(workflow_id: str, call: Begin, caller: Caller) -> None:
    """Where and with what it runs. Raises UnknownWorkflow.

    After the end it only fills in what is not known yet.
    """
    try:
        _begin(workflow_id, call, caller)
    except BAD_DATA as error:
        log.warning("%s: its begin does not fit: %s", workflow_id, error)
        _begin(workflow_id, call, caller, one_by_one=True)


@transaction.atomic
def _begin(
    workflow_id: str, call: Begin, caller: Caller, *, one_by_one: bool = False
) -> None:
    held = rows.hold(workflow_id, caller)
    now = timezone.now()
    told = {**columns_at_begin(call), **_named_now(held, call.run)}
    only_gaps = held.ended_at is not None
    store_columns(held.pk, told, only_gaps=only_gaps, one_by_one=one_by_one)
    rows.mark_seen(held.pk, now, _status_of_caller(held))
    if held.begun_at is None:
        Workflow.objects.filter(pk=held.pk).update(begun_at=now)
        _aside(link_by_itself, held.pk, call.run)
        record(_row(held), "began", "Nextflow has begun.", actor=TRACE)


def update(workflow_id: str, call: Update | Unread, caller: Caller) -> None:
    """A progress or heartbeat call. Raises UnknownWorkflow, and BadBody for one that
    is still unread.

    Tasks count whenever they come. Counters change nothing when they are older than
    the stored ones, or come after the end.
    """
    if isinstance(call, Unread):
        if store_unread(workflow_id, call, caller):
            return
        call = call.read()
    try:
        _update(workflow_id, call, caller)
    except BAD_DATA as error:
        log.warning("%s: an update does not fit: %s", workflow_id, error)
        _update(workflow_id, call, caller, one_by_one=True)


@transaction.atomic
def _update(
    workflow_id: str, call: Update, caller: Caller, *, one_by_one: bool = False
) -> None:
    held = rows.hold(workflow_id, caller)
    last = held.progress_instant or 0
    # Without the client's clock the order of arrival is all there is.
    instant = last if call.instant is None else call.instant
    if call.tasks:
        rows.store_tasks(held.pk, call.tasks, instant, one_by_one=one_by_one)
    if call.containers and one_by_one:
        rows.fits("Containers", add_containers, held.pk, call.containers)
    elif call.containers:
        add_containers(held.pk, call.containers)
    progress = call.progress
    if held.ended_at or instant < last:
        progress = None
    status = _status_of_caller(held)
    _store_progress(held, progress, instant, status, timezone.now(), one_by_one)


def complete(workflow_id: str, call: Complete, caller: Caller) -> None:
    """How it ended, and the last counters. Raises UnknownWorkflow.

    It counts whatever the clock said before; of several the newest does.
    """
    try:
        _complete(workflow_id, call, caller)
    except BAD_DATA as error:
        log.warning("%s: its complete does not fit: %s", workflow_id, error)
        _complete(workflow_id, call, caller, one_by_one=True)


@transaction.atomic
def _complete(
    workflow_id: str, call: Complete, caller: Caller, *, one_by_one: bool = False
) -> None:
    held = rows.hold(workflow_id, caller)
    now = timezone.now()
    last = held.progress_instant or 0
    instant = last if call.instant is None else call.instant
    if held.ended_at and instant < last:
        rows.mark_seen(held.pk, now, held.status)
        return
    status = _verdict(held, call)
    told = {**columns_at_end(call), **_named_now(held, call.run)}
    store_columns(held.pk, told, one_by_one=one_by_one)
    _store_progress(held, call.progress, instant, status, now, one_by_one)
    Workflow.objects.filter(pk=held.pk).update(
        ended_at=held.ended_at or now, progress_instant=instant
    )
    if held.begun_at is None and held.ended_at is None:
        _aside(link_by_itself, held.pk, call.run)
    if held.ended_at is None or held.status != status:
        row = _row(held)
        word = row.get_status_display()
        record(row, "ended", f"It has ended: {word}.", actor=TRACE)
        _aside(attention.judge_end, held.pk)


@transaction.atomic
def note(workflow_id: str, caller: Caller, body: JsonObject) -> None:
    """Which run of Seqera's scheduler it is (PATCH). Raises UnknownWorkflow."""
    held = rows.hold(workflow_id, caller)
    value = body.get("schedRunId")
    if isinstance(value, str):
        told = {"extra": {"schedRunId": value[:LONGEST_NOTE]}}
        store_columns(held.pk, told, one_by_one=True)
    rows.mark_seen(held.pk, timezone.now(), _status_of_caller(held))


def _named_now(held: Held, run: Run) -> dict[str, str]:
    """The batch of a workflow that create did not name. Of a launch Nextflow knows
    only the directory or script that it was told to run: the pipeline's name stays."""
    told = {} if held.run_name else {"batch_id": creation.batch_id_of(run.run_name)}
    if Launch.objects.filter(workflow=held.pk).exists():
        told["project_name"] = ""
    return told


def _status_of_caller(held: Held) -> str:
    """Whoever calls runs, unless it has ended."""
    if held.ended_at:
        return held.status
    if held.stalled_at or held.status == Status.UNKNOWN:
        row = _row(held)
        record(row, "returned", "It is heard of again.", actor=TRACE)
        _aside(attention.close_silence, held.pk)
    return Status.RUNNING


def _verdict(held: Held, call: Complete) -> Status:
    run = call.run
    counters = call.progress.counters if call.progress else None
    if run.fail_on_ignore is None or counters is None:
        row = _row(held)
        run = replace(run, fail_on_ignore=run.fail_on_ignore or row.fail_on_ignore)
        counters = counters or Counters(ignored=row.ignored)
    return Status(verdict(run, counters))


def _store_progress(
    held: Held,
    progress: Progress | None,
    instant: int,
    status: str,
    now: dt.datetime,
    one_by_one: bool,
) -> None:
    seen = (held.pk, now, status)
    if progress is None:
        rows.mark_seen(*seen)
        return
    if progress.processes:
        rows.store_processes(held.pk, progress.processes, one_by_one=one_by_one)
    counted = (*seen, progress.counters, instant)
    if not one_by_one:
        rows.mark_seen(*counted)
    elif not rows.fits("Counters", rows.mark_seen, *counted):
        rows.mark_seen(*seen)


def _aside(action: Callable[..., object], *values: Any) -> None:
    """What is ours alone, not the client's: no error in it may refuse the call."""
    try:
        with transaction.atomic():
            action(*values)
    except Exception:
        log.exception("%s went wrong; the call is answered.", action.__name__)


def _row(held: Held) -> Workflow:
    return listed_workflows().get(pk=held.pk)
