"""What dead workers left behind: half-made files, and gpg homes."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from archiving.engine.gpg.leftovers import remove_leftovers
from archiving.models import ArchiveJob
from archiving.services.naming import PARTIAL, Artifacts
from archiving.services.policy import current_policy
from seqhub.lib.patience import TimedOut, patient

log = logging.getLogger(__name__)

LIST_S = 30
_ENDINGS = (".tar.gpg", ".manifest.gpg", ".key.gpg")
_HALF_MADE = re.compile(rf"(?P<name>.+)\.(?P<attempt>\d{{1,9}})\.{PARTIAL}", re.DOTALL)


def remove(artifacts: Artifacts) -> None:
    """Remove what an attempt has half made; a disk that is gone keeps it for now."""
    for artifact in artifacts.all:
        with suppress(OSError):
            artifact.partial.unlink(missing_ok=True)


def sweep(host: str) -> int:
    """Remove what attempts that are over left on this host; answers how many files.

    At destinations only files of jobs of this host go: on a shared disk there may be
    others. Keys and manifests lie among this host's own, also those of jobs that
    went to another host.
    """
    policy = current_policy()
    jobs = ArchiveJob.objects.filter(host=host)
    places = set(jobs.order_by().values_list("destination", flat=True).distinct())
    places |= set(jobs.order_by().values_list("run_keys", flat=True).distinct())
    places.add(str(policy.run_keys))
    removed = 0
    for place in sorted(places):
        for path, name, attempt in _half_made(Path(place)):
            ending = next((end for end in _ENDINGS if name.endswith(end)), None)
            if ending is None:
                continue
            if ending == ".key.gpg":
                rows = ArchiveJob.objects.filter(run_keys=place)
            else:
                rows = jobs.filter(destination=place)
            named = rows.filter(name=name.removesuffix(ending))
            removed += _remove_if_over(path, list(named), attempt)
    for path, name, attempt in _half_made(policy.manifests_dir):
        if name.isdecimal():
            named = ArchiveJob.objects.filter(pk=name)
            removed += _remove_if_over(path, list(named), attempt)
    return removed + remove_leftovers(policy.gpg_work_dir)


def _half_made(place: Path) -> Iterator[tuple[Path, str, int]]:
    """Path, finished name and attempt; none if the place does not answer."""
    try:
        names = list(patient(LIST_S, str(place), _names(place)))
    except (OSError, TimedOut):
        return
    for name in names:
        if found := _HALF_MADE.fullmatch(name):
            yield place / name, found["name"], int(found["attempt"])


def _names(place: Path) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.endswith(f".{PARTIAL}"):
                yield entry.name


def _remove_if_over(path: Path, jobs: list[ArchiveJob], attempt: int) -> bool:
    """`jobs` are those whose file it may be."""
    if not jobs or not all(_is_over(job, attempt) for job in jobs):
        return False
    try:
        path.unlink()
    except OSError as error:
        log.warning("%s can't be removed: %s", path, error.strerror)
        return False
    return True


def _is_over(job: ArchiveJob, attempt: int) -> bool:
    if attempt == job.attempt:
        return not job.worker_id and job.publishing is None
    # One that began after we read the row is no business of ours.
    return attempt < job.attempt
