"""Launches that have ended by themselves: how, and what is left of them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from seqhub.lib.processes import ProcessId
from turret.choices import ComputeKind, LaunchState
from turret.engine.launching import process
from turret.engine.launching.process import Sight
from turret.models import Launch
from turret.services.launching import reasons, tokens
from turret.services.launching.ending import end
from turret.services.launching.following import follow
from turret.services.launching.plans import files_of
from turret.services.launching.states import ACTIVE, Reason, lock_launch

# Exit codes beyond it say which signal it was.
_BY_SIGNAL = 128


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
        kill_at = locked.kill_at
    _clear(launch, sight, kill=kill_at is not None or code > _BY_SIGNAL)


def _clear(launch: Launch, sight: Sight, *, kill: bool) -> None:
    """Its token goes, and tasks that Nextflow could not end."""
    tokens.remove_file(launch)
    script = script_of(launch) or sight.script
    if kill and script and launch.compute.kind == ComputeKind.LOCAL:
        process.kill(files_of(launch), script)


def lose(launch: Launch, sight: Sight, reason: Reason) -> None:
    """It has ended, and nobody has written down how."""
    follow(launch, is_over=True)
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
