"""The token with which a launch's Nextflow traces: for this workflow only."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils import timezone

from seqhub.lib.files import write_atomic
from seqhub.operations.choices import Scope
from seqhub.operations.models import ApiToken
from seqhub.operations.services.events import SYSTEM
from seqhub.operations.services.tokens import create_token, digest_of, revoke_token
from turret.engine.launching.files import LaunchFiles
from turret.models import Launch, Workflow

_LONGEST = 200


def bound_to(launch: Launch) -> str:
    return f"launch:{launch.launch_id}"


def hand_out(launch: Launch) -> None:
    """Write the launch's token where its script finds it; one that is there and good
    stays: the script may have read it. Raises OSError."""
    file = LaunchFiles(Path(launch.directory)).token
    digest = launch.workflow.token_digest
    if digest and _digest_in(file) == digest:
        return
    revoke(launch)
    if launch.owner is None:
        return
    token, text = create_token(
        launch.owner,
        f"launch {launch.run_name}",
        [Scope.TRACE],
        actor=SYSTEM,
        bound_to=bound_to(launch),
    )
    write_atomic(file, text.encode())
    Workflow.objects.filter(pk=launch.workflow_id).update(token_digest=token.digest)
    launch.workflow.token_digest = token.digest


def revoke(launch: Launch) -> None:
    """Its tokens work no longer. What Nextflow sends late is still taken: the
    workflow knows who made it."""
    rows = ApiToken.objects.filter(bound_to=bound_to(launch), revoked_at=None)
    for pk in rows.exclude(expires_at__lte=timezone.now()).values_list("pk", flat=True):
        revoke_token(pk, actor=SYSTEM, reason="Its launch has no use for it.")


def remove_file(launch: Launch) -> None:
    """Nothing on disk can trace any more. Raises OSError."""
    LaunchFiles(Path(launch.directory)).token.unlink(missing_ok=True)


def _digest_in(file: Path) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as opened:
        return digest_of(opened.read(_LONGEST).decode("ascii", "replace"))
