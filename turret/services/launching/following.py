"""Launches that Nextflow does not trace itself, followed by their files."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from dataclasses import asdict
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from seqhub.lib.patience import TimedOut, within
from turret.choices import LaunchState, TraceBy
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.followed import Followed, restored
from turret.engine.launching.look import Look, error_report, look
from turret.engine.records import Complete, Run, Update
from turret.models import Launch, Workflow
from turret.services import tracing
from turret.services.callers import Caller
from turret.services.launching.follow_rows import (
    now_ms,
    progress_of,
    settle_tasks,
    store_look,
)
from turret.services.launching.reasons import TIME_LIMIT

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
# So often one of which there is nothing new is said to be alive.
_HEARTBEAT = dt.timedelta(seconds=60)
# What Nextflow says of a run that was stopped, where it had no time to.
_STOPPED = "SIGTERM"
_CAUSE = re.compile(r"^Caused by:\n\s*(?P<cause>.+)$", re.MULTILINE)


def follow(launch: Launch, *, is_over: bool = False) -> None:
    """Write down what its trace file and its log say since the last time.

    One of which there is nothing new costs two stats, and each minute a statement. Of
    a launch that Nextflow traces itself nothing is read. `is_over`: its process is
    gone, and all that there is is read.
    """
    if launch.trace == TraceBy.TOWER:
        return
    while (seen := _look(launch, is_over)) is not None:
        is_stored = _store(launch, seen, is_over)
        # When all is over, what another has read but a part of is read to its end.
        if not is_over or (is_stored and not seen.is_behind):
            return
    if not is_over:
        _say_alive(launch)


def finish(launch: Launch) -> None:
    """Say how the workflow of a launch that has ended did: its tasks, its status, its
    last error. May be repeated. What became of one that is lost nobody knows."""
    if launch.trace == TraceBy.TOWER:
        return
    follow(launch, is_over=True)
    if launch.state == LaunchState.LOST:
        return
    followed = restored(launch.followed)
    run = _end_of(launch, followed)
    with transaction.atomic():
        # In the order in which states.py takes them.
        Launch.objects.select_for_update(of=("self",)).get(pk=launch.pk)
        row = Workflow.objects.get(pk=launch.workflow_id)
        if run.completed_at and row.started_at:
            lasting = run.completed_at - row.started_at
            run.duration_ms = max(0, round(lasting.total_seconds() * 1000))
        settle_tasks(row.pk)
        progress = progress_of(row.pk, followed, is_over=True)
        instant = max(now_ms(), row.progress_instant or 0)
        told = Complete(run, [], progress, instant)
        tracing.complete(row.workflow_id, told, _caller(row))


def _look(launch: Launch, is_over: bool) -> Look | None:
    """None, too, where the disk does not answer: the next look may get more."""
    files = LaunchFiles(Path(launch.directory))
    before = restored(launch.followed)
    try:
        return within(
            _PATIENCE_S,
            str(files.directory.parent),
            look,
            files.trace,
            files.nextflow_log,
            before,
            is_over=is_over,
        )
    except TimedOut as error:
        log.warning("%s can't be followed: %s", launch.launch_id, error)
        return None


def _store(launch: Launch, seen: Look, is_over: bool) -> bool:
    """With how far it was read, in one transaction. False if another was quicker."""
    # As it will come back from the database.
    after = json.loads(json.dumps(asdict(seen.after)))
    with transaction.atomic():
        rows = Launch.objects.select_for_update(of=("self",))
        stored = rows.values_list("followed", flat=True).get(pk=launch.pk)
        if stored != launch.followed:
            launch.followed = stored
            return False
        row = launch.workflow
        known = Run() if seen.news.run is None else _known(launch)
        store_look(row.workflow_id, _caller(row), seen, known, is_over=is_over)
        Launch.objects.filter(pk=launch.pk).update(followed=after)
    launch.followed = after
    return True


def _say_alive(launch: Launch) -> None:
    """Its process lives: it is not silent, however long its tasks take."""
    row, now = launch.workflow, timezone.now()
    if now - row.last_seen_at < _HEARTBEAT:
        return
    row.last_seen_at = now
    if restored(launch.followed).processes:
        told = Update([], None, [], instant=None)
        tracing.update(row.workflow_id, told, _caller(row))
    else:
        Workflow.objects.filter(pk=row.pk).update(last_seen_at=now)


def _caller(row: Workflow) -> Caller:
    """What was made with a token, or none, goes on with the same."""
    return Caller(
        user_id=None,
        token_digest=row.token_digest,
        is_live=True,
        bound_to="",
        address="",
        client="",
    )


def _known(launch: Launch) -> Run:
    """What we started it with."""
    return Run(
        run_name=launch.run_name,
        project_name=launch.source,
        revision=launch.revision,
        profile=launch.profile,
        launch_dir=launch.launch_dir,
        work_dir=launch.work_dir,
        params=launch.params,
        resume=bool(launch.resumed_session),
    )


def _end_of(launch: Launch, followed: Followed) -> Run:
    run = Run(completed_at=launch.finished_at)
    if followed.ended_at:
        run.completed_at = dt.datetime.fromisoformat(followed.ended_at)
    is_well = launch.state == LaunchState.SUCCEEDED
    run.success = is_well
    if is_well:
        run.exit_status = 0
        return run
    was_stopped = followed.signal and launch.code != TIME_LIMIT
    if launch.state == LaunchState.CANCELLED or was_stopped:
        # As Nextflow tells it: without an exit status.
        run.error_message = run.error_report = followed.signal or _STOPPED
        return run
    run.exit_status = launch.exit_code
    run.error_report = _report(launch, followed)
    cause = _CAUSE.search(run.error_report)
    first = run.error_report.partition("\n")[0]
    run.error_message = cause["cause"] if cause else first or launch.message
    return run


def _report(launch: Launch, followed: Followed) -> str:
    if followed.error_at is None:
        return ""
    files = LaunchFiles(Path(launch.directory))
    place = str(files.directory.parent)
    try:
        return within(
            _PATIENCE_S, place, error_report, files.nextflow_log, followed.error_at
        )
    except TimedOut:
        return ""
