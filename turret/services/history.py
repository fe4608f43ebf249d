"""Writing down what happened to a workflow."""

from __future__ import annotations

from typing import Any

from seqhub.operations.services.events import Actor, record_event
from turret.models import Workflow


def record(
    workflow: Workflow,
    kind: str,
    message: str,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> None:
    """Append an event about the workflow, in the caller's transaction.

    `message` often ends in a person's reason, which may be empty.
    """
    record_event(
        workflow.subject,
        kind,
        message.strip(),
        actor=actor,
        runfolder=workflow.run,
        data=data,
    )
