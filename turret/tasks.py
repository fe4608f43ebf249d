"""What django-q2 runs: ticks and doorbells."""

from __future__ import annotations

from turret.models import ComputeEnvironment
from turret.services import computes, repositories
from turret.services.launching.tidying import tidy
from turret.services.launching.watching import tend
from turret.services.retention import prune as prune_details
from turret.services.silence import watch as watch_workflows


def watch() -> None:
    """Find workflows that are silent."""
    watch_workflows()


def prune() -> None:
    """Drop details of old workflows."""
    prune_details()


def tend_launches(host: str) -> None:
    """Start what is due on this host, and see how the others stand."""
    tend(host)


def tidy_launches(host: str) -> None:
    """Measure what launches of this host hold, and clear what is due."""
    tidy(host)


def tidy_repositories() -> None:
    """Drop what this host keeps of pipelines' repositories and nobody uses."""
    repositories.tidy()


def try_compute(pk: int) -> None:
    """Try out a compute environment of this host."""
    if compute := ComputeEnvironment.objects.filter(pk=pk).first():
        computes.try_compute(compute)
