"""Writing down what happened to a run folder."""

from __future__ import annotations

from typing import Any

from runfolders.models import Runfolder
from seqhub.operations.services.events import Actor, record_event


def record(
    runfolder: Runfolder,
    kind: str,
    message: str,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> None:
    """Append an event about the run folder, in the caller's transaction.

    `message` often ends in a person's reason, which may be empty.
    """
    record_event(
        runfolder.subject,
        kind,
        message.strip(),
        actor=actor,
        runfolder=(runfolder.pk, runfolder.name),
        data=data,
    )
