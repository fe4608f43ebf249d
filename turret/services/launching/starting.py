"""Launches whose turn has come: claimed, prepared, started.

Each step may be done again by whoever finds the launch after its starter was killed:
the script itself sees to it that it runs once.
"""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from seqhub.lib.files import write_atomic
from seqhub.lib.patience import within
from seqhub.lib.processes import ProcessId
from turret.choices import ComputeKind, LaunchState, TraceBy
from turret.engine.launching import process, slurm_jobs
from turret.engine.launching.command import config_of, params_of
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.plan import HeadJob, Plan
from turret.engine.launching.script import script_of
from turret.engine.launching.slurm_jobs import Job
from turret.models import Launch, Workflow
from turret.services.launching import locks, reasons, tokens
from turret.services.launching.ending import end
from turret.services.launching.environments import (
    environment_of,
    launches_dir,
    nextflow_of,
    own_environment,
    traced_by,
)
from turret.services.launching.plans import ANSWER_S, files_of, on_disk, plan_of
from turret.services.launching.states import (
    ACTIVE,
    Reason,
    change_state,
    lock_launch,
    wait,
)

# Of those that wait, so many are looked at for one whose turn it is.
_MOST = 1000
# What a script may take to say who it is, before the next look asks.
APPEARS_S = 5.0
NAP_S = 0.01
# After so long nobody expects the script any more.
GIVE_UP_S = 60
# Where nobody can write, no script begins. What else a disk says, as ESTALE or EIO, may
# be over in a moment, and the script run.
_NOBODY_WRITES = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
        *(errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG),
    }
)


def claim_due(host: str) -> list[int]:
    """Take those that may start now, in their order; they are `starting` then."""
    with transaction.atomic():
        # Limits of pipelines hold for all hosts.
        locks.wait_for(locks.CLAIM, "")
        return [pk for pk in _due(host) if _claim(pk)]


def _due(host: str) -> list[int]:
    """One that finds no room keeps nobody back that has other limits."""
    active = Launch.objects.filter(state__in=ACTIVE)
    here = active.filter(host=host, compute__kind=ComputeKind.LOCAL).count()
    computes: Counter[int] = Counter(active.values_list("compute", flat=True))
    pipelines: Counter[int | None] = Counter(active.values_list("pipeline", flat=True))
    pending = Launch.objects.filter(host=host, state=LaunchState.PENDING)
    # Clocks differ, and are set back: who came first the numbers say.
    rows = pending.select_related("compute", "pipeline").only(
        "compute__kind",
        "compute__max_concurrent",
        "pipeline__max_concurrent",
    )
    most_here = settings.CONFIG.turret.launcher.max_concurrent
    due = []
    for row in rows.order_by("pk")[:_MOST]:
        is_local = row.compute.kind == ComputeKind.LOCAL
        saved_limit = row.pipeline.max_concurrent if row.pipeline else None
        if (
            (is_local and here >= most_here)
            or _is_full(computes[row.compute_id], row.compute.max_concurrent)
            or _is_full(pipelines[row.pipeline_id], saved_limit)
        ):
            continue
        here += is_local
        computes[row.compute_id] += 1
        pipelines[row.pipeline_id] += 1
        due.append(row.pk)
    return due


def _is_full(number: int, limit: int | None) -> bool:
    return limit is not None and number >= limit


def _claim(pk: int) -> bool:
    """A person may have cancelled it, or be at it just now."""
    rows = Launch.objects.select_for_update(of=("self",), skip_locked=True)
    launch = (
        rows.select_related("workflow", "compute")
        .filter(pk=pk, state=LaunchState.PENDING)
        .first()
    )
    if launch is None:
        return False
    _bring_home(launch)
    change_state(launch, LaunchState.STARTING)
    return True


def _bring_home(launch: Launch) -> None:
    """Its files lie where this host has them; who asked for it may be another host,
    or another user."""
    before, home = Path(launch.directory), launches_dir() / launch.launch_id
    if before == home:
        return
    names = ("directory", "launch_dir", "work_dir")
    for name in names:
        path = Path(getattr(launch, name))
        if path.is_relative_to(before):
            setattr(launch, name, str(home / path.relative_to(before)))
    launch.save(update_fields=names)


def begin(pk: int, jobs: Mapping[str, Job]) -> None:
    """Start one that is `starting`, or go on with that. May be repeated.

    `jobs` are those of SLURM, by their names. Raises TimedOut.
    """
    with locks.exclusive(locks.START, str(pk)) as is_mine:
        if not is_mine:
            return
        rows = Launch.objects.select_related(
            "workflow", "compute", "owner", "parent__workflow"
        )
        launch = rows.filter(pk=pk, state=LaunchState.STARTING).first()
        if launch is None or launch.cancel_asked_at:
            return
        try:
            _begin(launch, jobs)
        except process.NotStarted as error:
            fail(launch, Reason("not_started", f"{error}.", "Launch it again."))
        except OSError as error:
            fail(launch, reasons.of_disk(error))


def fail(launch: Launch, reason: Reason) -> None:
    """It never began, and never will. Raises TimedOut.

    Whoever is killed in the middle of it is followed by `begin`, which finds the same.
    """
    if not give_up(launch):
        return
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state != LaunchState.STARTING:
            return
        is_unwanted = locked.cancel_asked_at is not None
        state = LaunchState.CANCELLED if is_unwanted else LaunchState.FAILED
        end(locked, state, reason=reason)


def give_up(launch: Launch) -> bool:
    """See to it that its script never begins; False if it has, or may have. Raises
    TimedOut."""
    try:
        return on_disk(launch, process.claim, files_of(launch))
    except OSError as error:
        return error.errno in _NOBODY_WRITES


def note_running(launch: Launch, script: ProcessId | None, job_id: str = "") -> None:
    """Nextflow runs, as this process or this job."""
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state not in (LaunchState.STARTING, LaunchState.LOST):
            return
        now = timezone.now()
        changes: dict[str, Any] = {
            "started_at": locked.started_at or now,
            "finished_at": None,
        }
        if script is not None:
            changes |= {"pid": script.pid, "start_ticks": script.start_ticks}
            changes |= {"boot_id": script.boot}
        if job_id:
            changes["job_id"] = job_id
        change_state(locked, LaunchState.RUNNING, **changes)
        # It waited; only now it can fall silent.
        Workflow.objects.filter(pk=locked.workflow_id).update(last_seen_at=now)
    launch.refresh_from_db()


def _begin(launch: Launch, jobs: Mapping[str, Job]) -> None:
    files = files_of(launch)
    if not on_disk(launch, process.reclaim, files):
        return
    env = environment_of(launch.compute)
    is_slurm = launch.compute.kind == ComputeKind.SLURM
    if launch.resumed_session and not _is_there(launch.launch_dir):
        fail(launch, reasons.of_gone_directory(launch.launch_dir))
        return
    may_come_late = launch.compute.modules.strip() or launch.compute.pre_run.strip()
    if not (is_slurm or may_come_late) and (
        reason := on_disk(launch, reasons.of_program, nextflow_of(launch.compute), env)
    ):
        fail(launch, reason)
        return
    prepare(launch, env)
    env |= own_environment(launch)
    if is_slurm:
        _submit(launch, files, env, jobs)
        return
    on_disk(launch, process.spawn, files, env)
    if script := on_disk(launch, _await, files):
        note_running(launch, script)
    elif (timezone.now() - launch.state_since).total_seconds() > GIVE_UP_S:
        words = f"Its script did not begin within {GIVE_UP_S} s."
        fail(launch, Reason("not_started", words, "Look at its log."))


def prepare(launch: Launch, env: dict[str, str]) -> None:
    """Write its files. Raises OSError, TimedOut."""
    on_disk(launch, process.make_directory, files_of(launch))
    for path in (Path(launch.launch_dir), Path(launch.work_dir)):
        place = str(path.parent)
        within(ANSWER_S, place, path.mkdir, parents=True, exist_ok=True)
    _decide_trace(launch, env)
    plan = plan_of(launch)
    if launch.trace == TraceBy.TOWER:
        tokens.hand_out(launch)
    on_disk(launch, _write, plan)


def _write(plan: Plan) -> None:
    files = plan.files
    write_atomic(files.params, params_of(plan).encode())
    write_atomic(files.config, config_of(plan).encode())
    write_atomic(files.script, script_of(plan).encode())


def _is_there(directory: str) -> bool:
    return within(ANSWER_S, directory, Path(directory).is_dir)


def _decide_trace(launch: Launch, env: dict[str, str]) -> None:
    decided = on_disk(launch, traced_by, launch.trace, env)
    if launch.owner is None:
        decided = TraceBy.FILE  # nobody's token
    if decided != launch.trace:
        launch.trace = decided
        launch.save(update_fields=["trace"])


def _submit(
    launch: Launch,
    files: LaunchFiles,
    env: dict[str, str],
    jobs: Mapping[str, Job],
) -> None:
    """To SLURM, unless it is there already: whoever submitted it may not have come
    to note it."""
    plan = plan_of(launch)
    if launch.job_id:
        return
    head_job = plan.head_job or HeadJob()
    known = jobs.get(slurm_jobs.job_name(launch.launch_id))
    try:
        job_id = (
            known.job_id
            if known
            else slurm_jobs.submit(files, launch.launch_id, head_job, env)
        )
    except slurm_jobs.NoSlurm as error:
        fail(launch, reasons.of_no_slurm(error))
        return
    except slurm_jobs.SlurmDown as error:
        with transaction.atomic():
            locked = lock_launch(launch.pk)
            if locked.state == LaunchState.STARTING:
                wait(locked, of_slurm(error))
        return
    except slurm_jobs.Refused as error:
        words = f"SLURM does not take it: {error}."
        step = "Correct the compute environment, then launch it again."
        fail(launch, Reason("slurm_refused", words, step))
        return
    Launch.objects.filter(pk=launch.pk, state=LaunchState.STARTING).update(
        job_id=job_id, code="", message="", next_step=""
    )


def of_slurm(error: slurm_jobs.SlurmDown) -> Reason:
    return Reason(
        "slurm_down",
        f"SLURM does not answer ({error}); it is asked again.",
        "Look whether SLURM runs: scontrol ping.",
    )


def _await(files: LaunchFiles) -> ProcessId | None:
    """Who the script is, as soon as it has said so."""
    deadline = time.monotonic() + APPEARS_S
    while (script := process.read_process(files)) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(NAP_S)
    return script
