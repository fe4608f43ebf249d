"""The states of launches: the one place where they change, each with its event."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from seqhub.lib import queues
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.doorbell import ring
from seqhub.operations.services.events import SYSTEM, Actor, record_event
from turret.choices import (
    ENDED_LAUNCH,
    LAUNCH_TRANSITIONS,
    LaunchState,
)
from turret.errors import UnknownLaunch
from turret.models import Launch

# For so long the exit code of a lost one may still turn up.
KEEP_LOOKING = dt.timedelta(days=1)
ACTIVE = (LaunchState.STARTING, LaunchState.RUNNING)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a launch waits or ended as it did, and what to do."""

    code: str = ""
    message: str = ""
    next_step: str = ""


def lock_launch(pk: int) -> Launch:
    """The row, locked until the transaction ends; workflow, compute environment and
    saved pipeline are at hand. Raises UnknownLaunch."""
    rows = Launch.objects.select_for_update(of=("self",))
    try:
        return rows.select_related("workflow", "compute", "pipeline", "owner").get(
            pk=pk
        )
    except Launch.DoesNotExist:
        raise UnknownLaunch("The launch is no longer known.") from None


def change_state(
    launch: Launch,
    state: LaunchState,
    *,
    actor: Actor = SYSTEM,
    said: str = "",
    reason: Reason | None = None,
    **changes: Any,
) -> None:
    """Change and save a locked row, with its event. Raises IllegalTransition.

    `changes` are other columns; `said` goes before the reason in the event. What it
    means for the rest that one has ended, services.launching.ending sees to.
    """
    if state not in LAUNCH_TRANSITIONS[launch.state]:
        word = launch.get_state_display()
        raise IllegalTransition(f"{launch} is {word}; it can't be {state.label}.")
    now = timezone.now()
    before, reason = launch.state, reason or Reason()
    changes |= {"state": state, "state_since": now}
    changes |= {"code": reason.code, "message": reason.message}
    changes["next_step"] = reason.next_step
    if state in ENDED_LAUNCH:
        changes["finished_at"] = now
    for name, value in changes.items():
        setattr(launch, name, value)
    launch.save(update_fields=list(changes))
    message = f"{said or _SAID[state]} {reason.message}"
    record(launch, state, message, actor=actor, data={"from": before, "to": state})


def wait(launch: Launch, reason: Reason) -> None:
    """Say in a locked row why it does not go on; it stays as it is."""
    told = (reason.code, reason.message, reason.next_step)
    if told != (launch.code, launch.message, launch.next_step):
        launch.code, launch.message, launch.next_step = told
        launch.save(update_fields=["code", "message", "next_step"])


def record(
    launch: Launch,
    kind: str,
    message: str,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> None:
    """Append an event about the launch, in the caller's transaction."""
    record_event(
        launch.subject,
        f"launch_{kind}",
        message.strip(),
        actor=actor,
        runfolder=launch.workflow.run,
        data=data,
    )


def ring_for(host: str) -> None:
    """Have the launches of a host looked after soon."""
    ring("turret.tasks.tend_launches", host, queue=queues.local(host))


_SAID = {
    LaunchState.STARTING: "It is being started.",
    LaunchState.RUNNING: "Nextflow runs.",
    LaunchState.SUCCEEDED: "Nextflow has ended well.",
    LaunchState.FAILED: "It has failed.",
    LaunchState.CANCELLED: "It was cancelled.",
    LaunchState.LOST: "It is lost.",
}
