"""The end of a launch, and of all that hangs on it."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from seqhub.operations.services.events import SYSTEM, Actor
from turret.choices import UNDER_WAY, LaunchState, Status
from turret.models import Launch, Workflow
from turret.services.launching import attention, tokens
from turret.services.launching.following import finish
from turret.services.launching.states import Reason, change_state

log = logging.getLogger(__name__)

# What is known of a workflow that has not told its end itself.
_VERDICTS = {
    LaunchState.SUCCEEDED: Status.SUCCEEDED,
    LaunchState.FAILED: Status.FAILED,
    LaunchState.CANCELLED: Status.CANCELLED,
    LaunchState.LOST: Status.UNKNOWN,
}


def end(
    launch: Launch,
    state: LaunchState,
    *,
    actor: Actor = SYSTEM,
    said: str = "",
    reason: Reason | None = None,
    **changes: Any,
) -> None:
    """Change the state of a locked row to one of ENDED_LAUNCH, in the caller's
    transaction. Its token works no longer, its workflow has ended, and people are told.

    The rest as in change_state. Raises IllegalTransition.
    """
    change_state(launch, state, actor=actor, said=said, reason=reason, **changes)
    tokens.revoke(launch)
    try:
        with transaction.atomic():
            finish(launch)
    except Exception:
        # Whatever its files hold, it has ended.
        log.exception("%s: its end could not be read", launch.launch_id)
    _end_workflow(launch, state)
    attention.ended(launch)


def _end_workflow(launch: Launch, state: LaunchState) -> None:
    """What Nextflow has said of its end itself is worth more."""
    status, now = _VERDICTS[state], timezone.now()
    told: dict[str, Any] = {"status": status, "status_since": now, "stalled_at": None}
    if status != Status.UNKNOWN:
        told["ended_at"] = now
        told["success"] = status == Status.SUCCEEDED
    if launch.exit_code is not None:
        told["exit_status"] = launch.exit_code
    if launch.message and status == Status.FAILED:
        told["error_message"] = launch.message
    rows = Workflow.objects.filter(pk=launch.workflow_id, status__in=UNDER_WAY)
    rows.update(**told)
