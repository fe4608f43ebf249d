"""Launches that are made to end: somebody wants it, or their time is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from turret.choices import LaunchState
from turret.engine.launching import slurm_jobs
from turret.models import Launch
from turret.services.launching import locks, reasons
from turret.services.launching.ending import end
from turret.services.launching.environments import environment_of
from turret.services.launching.starting import give_up
from turret.services.launching.states import ACTIVE, lock_launch, wait

# Between SIGTERM and SIGKILL.
GRACE = dt.timedelta(seconds=20)


def withdraw(launch: Launch) -> bool:
    """Cancel one whose script has not begun; False if it has, after all. Raises
    TimedOut."""
    with locks.exclusive(locks.START, str(launch.pk)) as is_mine:
        if not is_mine or not give_up(launch):
            return False
    if launch.job_id:
        env = environment_of(launch.compute)
        slurm_jobs.kill(launch.job_id, launch.launch_id, env)
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state in ACTIVE:
            end(locked, LaunchState.CANCELLED)
    return True


def stop_if_due(
    launch: Launch, stop: Callable[[], object], kill: Callable[[], object]
) -> None:
    """SIGTERM when somebody wants it to end or its time is over; SIGKILL later."""
    now = timezone.now()
    if launch.kill_at is not None:
        # A clock that was set back gives no more time.
        if not now < launch.kill_at <= now + GRACE:
            kill()
        return
    is_over = _is_over(launch, now)
    if launch.cancel_asked_at is None and not is_over:
        return
    stop()
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.kill_at is None:
            locked.kill_at = now + GRACE
            locked.save(update_fields=["kill_at"])
        if is_over and locked.cancel_asked_at is None:
            wait(locked, reasons.of_time_limit(locked))


def _is_over(launch: Launch, now: dt.datetime) -> bool:
    if launch.max_run_time_s is None or launch.started_at is None:
        return False
    return now - launch.started_at > dt.timedelta(seconds=launch.max_run_time_s)
