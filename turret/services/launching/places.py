"""Directories that people, and runs of theirs, name for launches to work in."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from seqhub.lib.patience import within
from turret.models import Launch
from turret.services.launching.environments import launches_dir

ANSWER_S = 5


def real_directory(path: str) -> Path:
    """Its real path. Raises ValueError where nobody may have it, which says why not;
    TimedOut, OSError, RuntimeError."""
    real = _real(Path(path))
    roots = settings.CONFIG.turret.launcher.allowed_roots
    if not any(real.is_relative_to(_real(root)) for root in roots):
        names = ", ".join(map(str, roots)) or "none is configured"
        raise ValueError(f"does not lie below turret.launcher.allowed_roots ({names})")
    if any(real.is_relative_to(_real(own)) for own in (_data_dir(), launches_dir())):
        raise ValueError("lies in a directory of SeqHub's own")
    # Work directories of compute environments may lie anywhere.
    if Launch.objects.filter(workflow__workflow_id__in=real.parts).exists():
        raise ValueError("is the directory of a launch")
    return real


def _real(path: Path) -> Path:
    return within(ANSWER_S, str(path), path.resolve)


def _data_dir() -> Path:
    directory: Path = settings.CONFIG.data_dir
    return directory
