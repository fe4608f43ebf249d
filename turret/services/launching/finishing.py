"""Launches that have ended by themselves: how, and what is left of them."""

from __future__ import annotations

import logging
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from seqhub.lib.processes import ProcessId
from seqhub.operations.services.events import SYSTEM
from turret.choices import ComputeKind, LaunchState
from turret.engine.launching import process, slurm_jobs
from turret.engine.launching.process import Sight
from turret.models import Launch
from turret.services.launching import reasons, tokens
from turret.services.launching.ending import end
from turret.services.launching.environments import environment_of
from turret.services.launching.following import follow
from turret.services.launching.plans import files_of, on_disk
from turret.services.launching.states import ACTIVE, Reason, lock_launch, record

log = logging.getLogger(__name__)

# Exit codes beyond it say which signal it was.
_BY_SIGNAL = 128
_MOST_TOLD = 20


def script_of(launch: Launch) -> ProcessId | None:
    """Its process, as the row has it."""
    if launch.pid is None or launch.start_ticks is None:
        return None
    return ProcessId(launch.pid, launch.start_ticks, launch.boot_id)


def finish(launch: Launch, sight: Sight) -> None:
    """Its exit code is there, and it is in `sight`."""
    code = sight.exit_code or 0
    reason = reasons.of_exit(launch, code) if code else Reason()
    follow(launch, is_over=True)
    is_hard = launch.kill_at is not None or code > _BY_SIGNAL
    if is_hard:
        _end_slurm_tasks(launch)
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state not in (*ACTIVE, LaunchState.LOST):
            return
        state = LaunchState.FAILED if code else LaunchState.SUCCEEDED
        if code and locked.cancel_asked_at:
            state, reason = LaunchState.CANCELLED, Reason()
        elif code and locked.code == reasons.TIME_LIMIT:
            reason = reasons.of_time_limit(locked)
        started_at = locked.started_at or timezone.now()
        end(locked, state, reason=reason, exit_code=code, started_at=started_at)
    _clear(launch, sight, kill=is_hard)


def _clear(launch: Launch, sight: Sight, *, kill: bool) -> None:
    """Its token goes, and tasks that Nextflow could not end."""
    tokens.remove_file(launch)
    script = script_of(launch) or sight.script
    if kill and script and launch.compute.kind == ComputeKind.LOCAL:
        process.kill(files_of(launch), script)


def _end_slurm_tasks(launch: Launch) -> None:
    """Jobs of tasks outlive a Nextflow that was killed, wherever it ran. Before the
    launch has ended, while it is looked at: SLURM may not answer. Raises SlurmDown,
    TimedOut."""
    sent = on_disk(launch, slurm_jobs.sent_tasks, files_of(launch).nextflow_log)
    if not sent:
        return
    env = environment_of(launch.compute)
    try:
        jobs = slurm_jobs.working(env)
    except (slurm_jobs.NoSlurm, slurm_jobs.Refused) as error:
        log.warning("%s: its tasks can't be looked for: %s", launch.launch_id, error)
        return
    left = on_disk(launch, slurm_jobs.left_of, sent, jobs, Path(launch.work_dir))
    if left:
        slurm_jobs.kill_all(left, env)
        said = f"Jobs of its tasks were cancelled: {', '.join(left[:_MOST_TOLD])}."
        record(launch, "tasks_ended", said, actor=SYSTEM)


def lose(launch: Launch, sight: Sight, reason: Reason) -> None:
    """It has ended, and nobody has written down how."""
    follow(launch, is_over=True)
    _end_slurm_tasks(launch)
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state not in ACTIVE:
            return
        if locked.cancel_asked_at:
            end(locked, LaunchState.CANCELLED)
        elif locked.code == reasons.TIME_LIMIT:
            end(locked, LaunchState.FAILED, reason=reasons.of_time_limit(locked))
        else:
            end(locked, LaunchState.LOST, reason=reason)
    _clear(launch, sight, kill=True)
