"""Writing down what happened to an archive."""

from __future__ import annotations

from typing import Any

from archiving.models import ArchiveJob
from seqhub.operations.services.events import Actor, record_event


def record(
    job: ArchiveJob,
    kind: str,
    message: str,
    *,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> None:
    """Append an event about the archive, in the caller's transaction.

    `message` often ends in a person's reason, which may be empty.
    """
    record_event(
        job.subject, kind, message.strip(), actor=actor, runfolder=job.run, data=data
    )
