"""What the engine needs to know of a launch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from seqhub.lib.patience import within
from turret.choices import ComputeKind, TraceBy
from turret.engine.launching.command import include_of
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.plan import HeadJob, Plan
from turret.engine.pipelines.sources import resolve
from turret.models import ComputeEnvironment, Launch
from turret.services.launching.checkouts import place_of
from turret.services.launching.environments import nextflow_of, tower_url

P = ParamSpec("P")
T = TypeVar("T")

CONFIG_FILE = "nextflow.config"
ANSWER_S = 10


def files_of(launch: Launch) -> LaunchFiles:
    return LaunchFiles(Path(launch.directory))


def on_disk(
    launch: Launch, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What a function of the engine does with the files of a launch, in time.

    Raises TimedOut, and what it raises.
    """
    place = str(Path(launch.directory).parent)
    return within(ANSWER_S, place, function, *args, **kwargs)


def plan_of(launch: Launch) -> Plan:
    """Its compute environment and workflow are at hand; `trace` is decided. Raises
    TimedOut."""
    compute = launch.compute
    layers = [compute.config_text]
    if launch.project_dir:
        layers.append(include_of(str(Path(launch.project_dir) / CONFIG_FILE)))
    layers.append(launch.config_text)
    checkout = place_of(launch)
    is_traced = launch.trace == TraceBy.TOWER
    return Plan(
        files=files_of(launch),
        nextflow=nextflow_of(compute),
        source=str(checkout) if checkout else resolve(launch.source).url,
        run_name=launch.run_name,
        launch_dir=Path(launch.launch_dir),
        work_dir=Path(launch.work_dir),
        # Nextflow takes none beside a directory.
        revision="" if checkout else launch.revision,
        profile=launch.profile,
        # Where nothing is cached, it begins anew under the same number.
        session=launch.resumed_session if is_cached(launch) else "",
        params=launch.params,
        configs=tuple(layers),
        tower_url=tower_url(compute) if is_traced else "",
        modules=compute.modules,
        pre_run=compute.pre_run,
        head_job=head_job_of(compute),
    )


def is_cached(launch: Launch) -> bool:
    """Whether Nextflow knows the session where it is started. Raises TimedOut."""
    if not launch.resumed_session:
        return False
    cache = Path(launch.launch_dir) / ".nextflow" / "cache" / launch.resumed_session
    return within(ANSWER_S, launch.launch_dir, cache.is_dir)


def head_job_of(compute: ComputeEnvironment) -> HeadJob | None:
    """What SLURM is asked for Nextflow itself; None where it runs on a host."""
    if compute.kind != ComputeKind.SLURM:
        return None
    return HeadJob(
        queue=compute.queue,
        account=compute.account,
        cpus=compute.head_cpus or 0,
        memory_mb=compute.head_memory_mb or 0,
        time_minutes=compute.head_time_minutes or 0,
    )
