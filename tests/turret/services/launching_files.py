"""Launches whose files are those of real runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.turret.factories import LaunchFactory, WorkflowFactory
from turret.choices import Status
from turret.engine.launching.files import LaunchFiles
from turret.models import Launch, WorkflowTask

SAMPLES = Path(__file__).parents[2] / "data" / "nextflow" / "launched"


def launch_in(directory: Path, **known: Any) -> Launch:
    """One whose workflow nobody has told of anything yet."""
    directory.mkdir(exist_ok=True)
    workflow = WorkflowFactory.create(
        status=Status.SUBMITTED,
        session_id="",
        begun_at=None,
        started_at=None,
        progress_instant=None,
        nextflow_version="",
    )
    return LaunchFactory.create(workflow=workflow, directory=str(directory), **known)


def sample_launch(name: str, directory: Path, **known: Any) -> Launch:
    """One that left the files of a sample behind."""
    launch = launch_in(directory, **known)
    files = LaunchFiles(directory)
    shutil.copy(SAMPLES / name / "trace.txt", files.trace)
    shutil.copy(SAMPLES / name / "nextflow.log", files.nextflow_log)
    return launch


def tasks_of(launch: Launch) -> list[tuple[int, str, str]]:
    """Id, name and status of each, by id; ids that are made up are 0."""
    rows = WorkflowTask.objects.filter(workflow=launch.workflow)
    found = rows.order_by("task_id").values_list("task_id", "name", "status")
    return sorted((max(task_id, 0), name, status) for task_id, name, status in found)
