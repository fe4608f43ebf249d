"""Ending a launch because a person wants it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.events import Actor
from turret.choices import ENDED_LAUNCH, LaunchState
from turret.models import Launch
from turret.services.launching.ending import end
from turret.services.launching.states import (
    lock_launch,
    record,
    ring_for,
)


@transaction.atomic
def cancel(pk: int, *, actor: Actor, reason: str = "") -> Launch:
    """One that waits is cancelled at once, the others by their host within seconds;
    to ask again changes nothing.

    Raises UnknownLaunch, and IllegalTransition when it has ended.
    """
    launch = lock_launch(pk)
    if launch.state in ENDED_LAUNCH:
        word = launch.get_state_display()
        raise IllegalTransition(f"{launch} is {word}; there is nothing to cancel.")
    now = timezone.now()
    if launch.state == LaunchState.PENDING:
        end(
            launch,
            LaunchState.CANCELLED,
            actor=actor,
            said=f"It was cancelled before it began. {reason}".strip(),
            cancel_asked_at=now,
        )
        return launch
    if launch.cancel_asked_at is None:
        launch.cancel_asked_at = now
        launch.save(update_fields=["cancel_asked_at"])
        record(launch, "cancel_asked", f"To be cancelled. {reason}", actor=actor)
    ring_for(launch.host)
    return launch
