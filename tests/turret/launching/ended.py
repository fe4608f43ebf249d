"""Launches that have ended, with files on disk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from django.utils import timezone

from seqhub.operations.models import Event
from tests.factories import HOST
from tests.turret.factories import LaunchFactory
from tests.turret.launching.site import ACTOR, Site, files
from turret.choices import LaunchState
from turret.models import Launch
from turret.services.launching.resuming import resume

WORK = "ab/cdef01"


def worked(
    site: Site, days: float = 50, state: str = LaunchState.SUCCEEDED, **values: Any
) -> Launch:
    """One that has ended so many days ago, with its files on disk."""
    ended_at = timezone.now() - dt.timedelta(days=days)
    launch = LaunchFactory.create(
        host=HOST,
        owner=site.user,
        workflow__session_id="11111111-2222-3333-4444-555555555555",
        state=state,
        submitted_at=ended_at,
        started_at=ended_at,
        state_since=ended_at,
        finished_at=ended_at,
    )
    launch.directory = str(site.launches / launch.launch_id)
    found = files(launch)
    launch.launch_dir, launch.work_dir = str(found.launch_dir), str(found.work_dir)
    for name, value in values.items():
        setattr(launch, name, value)
    launch.save()
    fill(launch)
    return launch


def fill(launch: Launch) -> None:
    for path in (
        files(launch).output,
        Path(launch.work_dir) / WORK / "out.txt",
        Path(launch.launch_dir) / ".nextflow" / "cache" / "db",
        Path(launch.launch_dir) / "results" / "table.txt",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)


def gone_on_with(site: Site, launch: Launch, **values: Any) -> Launch:
    """Resumed from it, in its directories."""
    places = {"launch_dir": launch.launch_dir, "work_dir": launch.work_dir}
    return worked(site, parent=launch, **{**places, **values})


def resumed(site: Site, launch: Launch, **changes: Any) -> Launch:
    pk = launch.workflow_id
    return resume(pk, user=site.user, actor=ACTOR, changes=changes)


def is_there(launch: Launch) -> bool:
    return (Path(launch.work_dir) / WORK / "out.txt").exists()


def kinds(launch: Launch) -> list[str]:
    rows = Event.objects.filter(subject=launch.subject).order_by("pk")
    return list(rows.values_list("kind", flat=True))
