"""Launches asked for: checked, written down, and shown before they are."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.events import Actor
from turret.choices import ENDED_LAUNCH, LaunchState, Status
from turret.engine.launching.command import argv_of, config_of, params_of
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.script import script_of
from turret.engine.masking import mask
from turret.models import Launch, Workflow
from turret.services.callers import NO_TOKEN
from turret.services.creation import batch_id_of, new_workflow_id
from turret.services.launching import locks
from turret.services.launching.environments import (
    configured_compute,
    environment_of,
    launches_dir,
    own_environment,
    traced_by,
)
from turret.services.launching.plans import on_disk, plan_of
from turret.services.launching.requests import LaunchRequest, check, completed
from turret.services.launching.states import record, ring_for

LONGEST_NAME = 80
_PREVIEWED = "0" * 14


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be run. `environment` are names, in order; `files` texts by their
    names, secrets masked."""

    argv: tuple[str, ...]
    environment: tuple[str, ...]
    files: dict[str, str]


def submit(request: LaunchRequest, *, user: User, actor: Actor) -> Launch:
    """Have a pipeline launched as soon as its turn comes.

    Raises BadLaunch, UnknownPipeline, and IllegalTransition while another launch
    runs in the directory that it is to go on with, or if that was cleared.
    """
    request = completed(request, user)
    check(request)
    with transaction.atomic():
        locks.wait_for_directories(request.launch_dir, request.work_dir)
        if request.launch_dir:
            _refuse_second(request.launch_dir)
            # It changes from now on.
            Launch.objects.filter(launch_dir=request.launch_dir).update(size_bytes=None)
        launch = _launch(request, user, new_workflow_id())
        launch.workflow.save(force_insert=True)
        launch.workflow_id = launch.workflow.pk
        launch.save(force_insert=True)
        said = f"{launch} was submitted: {launch.source}"
        at = f" at {launch.revision}" if launch.revision else ""
        data = {"launch_id": launch.launch_id, "source": launch.source}
        record(launch, "submitted", f"{said}{at}.", actor=actor, data=data)
        ring_for(launch.host)
    return launch


def preview(request: LaunchRequest, *, user: User) -> Preview:
    """What submit would have run; nothing is written. Raises as submit does."""
    request = completed(request, user)
    check(request)
    launch = _launch(request, user, _PREVIEWED)
    env = environment_of(launch.compute)
    launch.trace = on_disk(launch, traced_by, launch.trace, env)
    plan = plan_of(launch)
    files = {
        "params.json": params_of(replace(plan, params=mask(plan.params))),
        "launch.config": mask(config_of(plan)),
        "launch.sh": mask(script_of(plan)),
    }
    names = sorted(env | own_environment(launch))
    return Preview(tuple(argv_of(plan)), tuple(names), files)


def _launch(request: LaunchRequest, user: User, launch_id: str) -> Launch:
    """Not saved, and neither is its workflow."""
    now = timezone.now()
    files = LaunchFiles(launches_dir() / launch_id)
    run_name = request.run_name or _name(request, launch_id)
    workflow = Workflow(
        workflow_id=launch_id,
        owner=user,
        # Until a token of its own is handed out.
        token_digest=NO_TOKEN,
        run_name=run_name,
        batch_id=batch_id_of(run_name),
        session_id=request.session or str(uuid.uuid4()),
        labels=list(request.labels or ()),
        status=Status.SUBMITTED,
        status_since=now,
        created_at=now,
        last_seen_at=now,
        project_name=request.source,
        revision=request.revision,
        profile=request.profile,
    )
    if request.parent is not None:
        workflow.runfolder = request.parent.workflow.runfolder
    compute = request.compute or configured_compute()
    work_dir = (
        Path(compute.work_dir) / launch_id if compute.work_dir else files.work_dir
    )
    return Launch(
        workflow=workflow,
        pipeline=request.pipeline,
        compute=compute,
        host=compute.host,
        owner=user,
        parent=request.parent,
        resumed_session=request.session,
        source=request.source,
        revision=request.revision,
        profile=request.profile,
        params=request.params,
        config_text=request.config_text,
        project_dir=request.project_dir,
        run_name=run_name,
        labels=list(request.labels or ()),
        max_run_time_s=request.max_run_time_s,
        trace=compute.trace,
        directory=str(files.directory),
        launch_dir=request.launch_dir or str(files.launch_dir),
        work_dir=request.work_dir or str(work_dir),
        state=LaunchState.PENDING,
        state_since=now,
        submitted_at=now,
    )


def _name(request: LaunchRequest, launch_id: str) -> str:
    """One that Nextflow has not seen in that directory: it refuses it then."""
    if request.parent is None or not request.session:
        prefix = settings.CONFIG.turret.batch_prefix
        is_word = prefix.replace("_", "").isalnum() and prefix[0].isalpha()
        return f"{prefix if is_word else 'launch_'}{launch_id}"
    used = set(
        Launch.objects.filter(launch_dir=request.launch_dir).values_list(
            "run_name", flat=True
        )
    )
    return next(
        name for name in _successors(request.parent.run_name) if name not in used
    )


def _successors(name: str) -> Iterator[str]:
    """name-2, name-3 and so on."""
    base, dash, number = name.rpartition("-")
    if not (dash and number.isdecimal()):
        base = name
    for index in count(2):
        ending = f"-{index}"
        yield base[: LONGEST_NAME - len(ending)].rstrip("-_") + ending


def _refuse_second(launch_dir: str) -> None:
    """Two runs in one directory would spoil each other's cache; of one that was
    cleared nothing is left to go on with."""
    rows = Launch.objects.filter(launch_dir=launch_dir)
    if cleared := rows.filter(cleared_at__isnull=False).first():
        raise IllegalTransition(
            f"The work directory of {cleared} was cleared; launch it anew."
        )
    if other := rows.exclude(state__in=ENDED_LAUNCH).first():
        raise IllegalTransition(
            f"{other} is {other.get_state_display()} in the same launch directory;"
            " wait for its end, or cancel it."
        )
