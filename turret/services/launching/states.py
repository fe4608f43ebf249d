"""The states of launches: the one place where they change, each with its event."""

from __future__ import annotations

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
    UNDER_WAY,
    LaunchState,
    Status,
)
from turret.errors import UnknownLaunch
from turret.models import Launch, Workflow
from turret.services.launching import attention, tokens

# What is known of the workflow of a launch that has ended, unless it told itself.
_VERDICTS = {
    LaunchState.SUCCEEDED: Status.SUCCEEDED,
    LaunchState.FAILED: Status.FAILED,
    LaunchState.CANCELLED: Status.CANCELLED,
    LaunchState.LOST: Status.UNKNOWN,
}


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

    `changes` are other columns; `said` goes before the reason in the event. Whatever
    has ended takes its token, and its workflow, along.
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
    if state in ENDED_LAUNCH:
        tokens.revoke(launch)
        _end_workflow(launch, state)
        attention.ended(launch)


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


def _end_workflow(launch: Launch, state: LaunchState) -> None:
    """What Nextflow has said of its end itself is worth more."""
    rows = Workflow.objects.filter(pk=launch.workflow_id, status__in=UNDER_WAY)
    status, now = _VERDICTS[state], timezone.now()
    told: dict[str, Any] = {"status": status, "status_since": now, "stalled_at": None}
    if status != Status.UNKNOWN:
        told["ended_at"] = now
        told["success"] = status == Status.SUCCEEDED
    if launch.exit_code is not None:
        told["exit_status"] = launch.exit_code
    if launch.message and status == Status.FAILED:
        told["error_message"] = launch.message
    rows.update(**told)


_SAID = {
    LaunchState.STARTING: "It is being started.",
    LaunchState.RUNNING: "Nextflow runs.",
    LaunchState.SUCCEEDED: "Nextflow has ended well.",
    LaunchState.FAILED: "It has failed.",
    LaunchState.CANCELLED: "It was cancelled.",
    LaunchState.LOST: "It is lost.",
}
