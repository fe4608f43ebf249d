"""Writing down what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from seqhub.operations.choices import Source
from seqhub.operations.models import Event


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change, and through which door."""

    source: str  # choices.Source
    name: str = ""  # user name, or "" for the machine


SYSTEM = Actor(Source.SYSTEM)
SCANNER = Actor(Source.SCANNER)


def record_event(
    subject: str,
    kind: str,
    message: str,
    *,
    actor: Actor = SYSTEM,
    runfolder: tuple[int, str] | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Append an event. `runfolder` is (id, name). Joins the caller's transaction,
    so that a change and its record stand or fall together."""
    ref, name = runfolder or (None, "")
    return Event.objects.create(
        subject=subject,
        runfolder_ref=ref,
        runfolder_name=name,
        source=actor.source,
        actor=actor.name,
        kind=kind,
        message=message,
        data=data or {},
        at=timezone.now(),
    )
