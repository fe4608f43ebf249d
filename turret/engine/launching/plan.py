"""What a launch is made of: all that its script and files depend on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turret.engine.launching.files import LaunchFiles


@dataclass(frozen=True, slots=True)
class HeadJob:
    """What SLURM is asked for Nextflow itself; 0 and empty: its defaults."""

    queue: str = ""
    account: str = ""
    cpus: int = 0
    memory_mb: int = 0
    time_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Nothing in it is to be read by a shell but `modules` and `pre_run`, which
    managers write."""

    files: LaunchFiles
    nextflow: str  # program, on PATH or a path
    source: str
    run_name: str
    launch_dir: Path
    work_dir: Path
    revision: str = ""
    profile: str = ""
    # Goes on with this session; empty: a new one.
    session: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    # Texts of nextflow.config, the later ones win.
    configs: tuple[str, ...] = ()
    # Empty: the run is not traced by Nextflow, but by its trace file.
    tower_url: str = ""
    modules: str = ""
    pre_run: str = ""
    head_job: HeadJob | None = None  # None: it runs on this host
