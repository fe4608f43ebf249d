"""Launching from a form that may be sent twice: by a double click, or a page that was
asked for again."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from runfolders.models import Runfolder
from seqhub.operations.admin.confirm import actor_of
from turret.services.launching import locks
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.submission import submit
from turret.services.overrides import link_runfolder

# Of advisory locks; services.launching.locks has those before it.
FORM = 7_086
_MADE = "launches_by_form"
_KEPT = 20


def launch_once(
    request: HttpRequest,
    key: str,
    wanted: LaunchRequest,
    *,
    user: User,
    run: Runfolder | None,
) -> tuple[int, bool]:
    """The key of the launch, and whether it is a new one. `key` is the form's own.

    Raises as submit does.
    """
    current = request.session
    with transaction.atomic():
        locks.wait_for(FORM, current.session_key or key)
        # As the request before this one has left it, not as it was when this began.
        session = type(current)(current.session_key)
        made: dict[str, int] = session.get(_MADE, {})
        if key in made:
            return made[key], False
        launch = submit(wanted, user=user, actor=actor_of(request))
        if run is not None:
            link_runfolder(launch.workflow_id, run.pk, actor=actor_of(request))
        kept = dict([*made.items(), (key, launch.pk)][-_KEPT:])
        session[_MADE] = kept
        session.save()
    current[_MADE] = kept
    return launch.pk, True
