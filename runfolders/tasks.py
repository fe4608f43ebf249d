"""What django-q2 runs: doorbells and ticks."""

from __future__ import annotations

from runfolders.services.patrol import patrol
from runfolders.services.size import measure_size, unmeasured


def scan(host: str) -> None:
    """Scan, then look again every few seconds while something changes."""
    patrol(host)


def measure_sizes(host: str) -> None:
    """Measure the run folders that became complete."""
    for runfolder_id in unmeasured(host):
        measure_size(runfolder_id)
