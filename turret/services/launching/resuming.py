"""Launches that come of earlier runs: gone on with, or begun anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from seqhub.lib.patience import TimedOut, within
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.events import Actor
from turret.choices import ENDED_LAUNCH, UNDER_WAY
from turret.errors import UnknownLaunch, UnknownWorkflow
from turret.models import Launch, Workflow
from turret.services.launching.places import ANSWER_S, real_directory
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.submission import submit

# Nextflow's word for none.
_NO_PROFILE = "standard"


def resume(
    workflow_pk: int, *, user: User, actor: Actor, changes: Mapping[str, Any]
) -> Launch:
    """Go on with a run where it ended: in its session, its directories. `changes` are
    fields of a LaunchRequest; parameters that are given stand for all of the old.

    Raises UnknownWorkflow, IllegalTransition when it can't be gone on with, and as
    submit does.
    """
    request = request_to_resume(workflow_pk)
    return submit(replace(request, **changes), user=user, actor=actor)


def relaunch(
    launch_pk: int, *, user: User, actor: Actor, changes: Mapping[str, Any]
) -> Launch:
    """Launch the same again, from its beginning. Raises UnknownLaunch, and as submit
    does."""
    request = request_to_relaunch(launch_pk)
    return submit(replace(request, **changes), user=user, actor=actor)


def request_to_resume(workflow_pk: int) -> LaunchRequest:
    """Raises UnknownWorkflow, IllegalTransition."""
    workflow = Workflow.objects.filter(pk=workflow_pk).first()
    if workflow is None:
        raise UnknownWorkflow("The workflow is no longer known.")
    launch = _launches().filter(workflow=workflow).first()
    if not workflow.session_id:
        raise IllegalTransition(f"{workflow} has no session to go on with.")
    if launch is None:
        return _of_traced(workflow)
    if launch.state not in ENDED_LAUNCH:
        word = launch.get_state_display()
        raise IllegalTransition(f"{launch} is {word}; only what has ended is resumed.")
    if launch.cleared_at:
        raise IllegalTransition(
            f"The work directory of {launch} was cleared; launch it anew."
        )
    return replace(
        _request_of(launch),
        session=workflow.session_id,
        launch_dir=launch.launch_dir,
        work_dir=launch.work_dir,
    )


def request_to_relaunch(launch_pk: int) -> LaunchRequest:
    """Raises UnknownLaunch."""
    launch = _launches().filter(pk=launch_pk).first()
    if launch is None:
        raise UnknownLaunch("The launch is no longer known.")
    return _request_of(launch)


def _launches() -> QuerySet[Launch]:
    return Launch.objects.select_related("workflow__runfolder", "pipeline", "compute")


def _request_of(launch: Launch) -> LaunchRequest:
    return LaunchRequest(
        source=launch.source,
        revision=launch.revision,
        profile=launch.profile,
        params=launch.params,
        project_dir=launch.project_dir,
        config_text=launch.config_text,
        pipeline=launch.pipeline,
        compute=launch.compute,
        labels=tuple(launch.labels),
        max_run_time_s=launch.max_run_time_s,
        parent=launch,
    )


def _of_traced(workflow: Workflow) -> LaunchRequest:
    """Of a run that somebody started in a shell. Raises IllegalTransition."""
    if workflow.status in UNDER_WAY:
        word = workflow.get_status_display()
        raise IllegalTransition(f"{workflow} is {word}; wait for its end.")
    try:
        # By their real names: nobody is to go on with one directory under two.
        launch_dir = _place_of("launch", workflow.launch_dir)
        work_dir = _place_of("work", workflow.work_dir)
        _check_cache(launch_dir / ".nextflow")
    except (ValueError, OSError, RuntimeError, TimedOut) as error:
        told = f"{error}".rstrip(".")
        raise IllegalTransition(f"{workflow} can't be resumed here: {told}.") from None
    source = workflow.repository or workflow.project_dir
    if not source:
        raise IllegalTransition(f"Nobody has told which pipeline {workflow} ran.")
    is_git = bool(workflow.repository)
    return LaunchRequest(
        source=source,
        revision=(workflow.commit_id or workflow.revision) if is_git else "",
        profile="" if workflow.profile == _NO_PROFILE else workflow.profile,
        params=workflow.params or {},
        labels=tuple(workflow.labels),
        session=workflow.session_id,
        launch_dir=str(launch_dir),
        work_dir=str(work_dir),
    )


def _place_of(kind: str, told: str) -> Path:
    """The real path of a directory that a run has told. Raises ValueError where it is
    not to be used, TimedOut, OSError, RuntimeError."""
    if not told.startswith("/"):
        raise ValueError(f"its {kind} directory is not one of a disk: {told or 'none'}")
    try:
        return real_directory(told)
    except ValueError as error:
        raise ValueError(f"{told} {error}") from None


def _check_cache(cache: Path) -> None:
    """Raises ValueError, TimedOut."""
    if not within(ANSWER_S, str(cache.parent), os.access, cache, os.W_OK | os.X_OK):
        raise ValueError(f"{cache} is not there, or not SeqHub's to write")
