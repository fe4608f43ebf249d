"""The pipelines of git repositories, as launches run them: by a checkout of our own.

Nextflow alone can't fetch them everywhere: it may be offline, know no credentials, or
run where there is no way to the repository. So its host checks out a commit beside the
launch, and Nextflow runs that directory.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from turret.engine.launching.files import LaunchFiles
from turret.engine.pipelines.sources import resolve
from turret.models import Launch, Workflow
from turret.services.launching.environments import launches_dir


def is_missing(launch: Launch) -> bool:
    """Whether its pipeline has yet to be fetched."""
    return not launch.workflow.commit_id and resolve(launch.source).kind == "git"


def place_of(launch: Launch) -> Path | None:
    """Where its checkout is, or shall be; None for a directory of the host.

    One that goes on with another has the same: Nextflow knows what was computed by
    the paths of scripts and assets, too.
    """
    source = resolve(launch.source)
    if source.kind == "local":
        return None
    if before := gone_on_with(launch):
        return Path(before.project_dir)
    name = PurePosixPath(source.name).name
    return LaunchFiles(Path(launch.directory)).pipeline / name


def gone_on_with(launch: Launch) -> Workflow | None:
    """The run that it goes on with, if that had a checkout of the same repository."""
    parent = launch.parent if launch.resumed_session else None
    if parent is None or parent.source != launch.source:
        return None
    # Nextflow, too, says where it is: nothing is written elsewhere for that.
    is_ours = Path(parent.workflow.project_dir).is_relative_to(launches_dir())
    return parent.workflow if is_ours else None
