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
    return _own_place(launch.source, launch.directory)


def gone_on_with(launch: Launch) -> Workflow | None:
    """The run that it goes on with, if that had a checkout of the same repository."""
    parent = launch.parent if launch.resumed_session else None
    if parent is None or parent.source != launch.source:
        return None
    rows = Launch.objects.filter(launch_dir=parent.launch_dir, source=parent.source)
    ours = {
        str(_own_place(parent.source, directory))
        for directory in rows.values_list("directory", flat=True)
    }
    # Runs, too, tell where theirs is: nothing is written elsewhere for that.
    return parent.workflow if parent.workflow.project_dir in ours else None


def _own_place(source: str, directory: str) -> Path:
    name = PurePosixPath(resolve(source).name).name
    return LaunchFiles(Path(directory)).pipeline / name
