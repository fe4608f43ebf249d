"""The token with which a launch's Nextflow traces: for this workflow only."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from seqhub.lib.files import write_atomic
from seqhub.lib.patience import TimedOut
from seqhub.operations.choices import Scope
from seqhub.operations.models import ApiToken
from seqhub.operations.services.events import SYSTEM
from seqhub.operations.services.tokens import create_token, digest_of, revoke_token
from turret.choices import LaunchState
from turret.models import Launch, Workflow
from turret.services.launching.plans import files_of, on_disk
from turret.services.launching.states import lock_launch

_LONGEST = 200


def bound_to(launch: Launch) -> str:
    return f"launch:{launch.launch_id}"


def hand_out(launch: Launch) -> None:
    """Write the launch's token where its script finds it; one that is there and good
    stays: the script may have read it. Raises OSError, TimedOut."""
    file = files_of(launch).token
    digest = launch.workflow.token_digest
    if digest and on_disk(launch, _digest_in, file) == digest:
        return
    if launch.owner is None:
        return
    with transaction.atomic():
        # One that has ended meanwhile gets none.
        if lock_launch(launch.pk).state != LaunchState.STARTING:
            return
        revoke(launch)
        token, text = create_token(
            launch.owner,
            f"launch {launch.run_name}",
            [Scope.TRACE],
            actor=SYSTEM,
            bound_to=bound_to(launch),
        )
        Workflow.objects.filter(pk=launch.workflow_id).update(token_digest=token.digest)
    launch.workflow.token_digest = token.digest
    on_disk(launch, write_atomic, file, text.encode())


def revoke(launch: Launch) -> None:
    """Its tokens work no longer. What Nextflow sends late is still taken: the
    workflow knows who made it."""
    rows = ApiToken.objects.filter(bound_to=bound_to(launch), revoked_at=None)
    for pk in rows.exclude(expires_at__lte=timezone.now()).values_list("pk", flat=True):
        revoke_token(pk, actor=SYSTEM, reason="Its launch has no use for it.")


def remove_file(launch: Launch) -> None:
    """It is worth nothing any more; where the disk is in trouble it may stay."""
    with suppress(OSError, TimedOut):
        on_disk(launch, files_of(launch).token.unlink, missing_ok=True)


def _digest_in(file: Path) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as opened:
        return digest_of(opened.read(_LONGEST).decode("ascii", "replace"))
