"""Whether archives can be written where they are to go."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from archiving.choices import Origin
from archiving.engine.trouble import destination_trouble
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob
from archiving.services.naming import PARTIAL, Artifacts
from archiving.services.space import ANSWER_S, silent
from seqhub.lib.patience import TimedOut, within

# Files of ours that are no archives.
_LEFT_BEHIND = re.compile(rf"\.seqhub-\d+\.probe|.+\.gpg\.\d+\.{PARTIAL}", re.DOTALL)


def check_destination(job: ArchiveJob, artifacts: Artifacts) -> None:
    """That directories are there and can be written, that the disk is the one that
    holds the other archives, and that no file that we don't know is in the way.

    Raises Trouble(DESTINATION_...).
    """
    destination = Path(job.destination)
    for directory in (destination, Path(job.run_keys)):
        try:
            within(ANSWER_S, str(directory), _check_writable, directory)
        except OSError as error:
            raise destination_trouble(directory, error) from error
        except TimedOut as error:
            raise silent(directory) from error
    has_others = has_archives(job.host, job.destination)
    if has_others and (missing := missing_disk(destination)):
        raise missing
    if job.sealed_at or job.origin == Origin.ADOPTED:
        return
    for artifact in (artifacts.archive, artifacts.sealed_manifest, artifacts.key):
        if os.path.lexists(artifact.final):
            raise Trouble(
                Code.DESTINATION_OCCUPIED,
                f"{artifact.final} is there already, and SeqHub has not made it",
                "Move it away, then retry.",
            )


def has_archives(host: str, destination: str) -> bool:
    """Whether the host has sealed into it before."""
    return ArchiveJob.objects.filter(
        host=host, destination=destination, sealed_at__isnull=False, is_here=True
    ).exists()


def is_bare(directory: Path) -> bool:
    """Whether it holds nothing, or only what we left there half-made: that may have
    been written to a mount point whose disk had gone. Raises OSError."""
    with os.scandir(directory) as entries:
        return all(_LEFT_BEHIND.fullmatch(entry.name) for entry in entries)


def missing_disk(destination: Path) -> Trouble | None:
    """What to say if the directory is gone or empty, though archives were made in it:
    a mount point without its disk."""
    with suppress(OSError):
        if not is_bare(destination):
            return None
    return Trouble(
        Code.DESTINATION_MISSING,
        f"{destination} is empty or gone, though archives were sealed into it: its "
        "disk seems not to be mounted",
        "Mount it. If the archives were taken away on purpose, put any file there.",
    )


def prepare(run_keys: Path, manifests_dir: Path) -> None:
    """Make the directories that are ours. A configured one is made only where what
    is above it is there: the disk may not be mounted. Raises Trouble."""
    try:
        manifests_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_keys.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise destination_trouble(run_keys, error) from error


def _check_writable(directory: Path) -> None:
    """Raises OSError."""
    probe = directory / f".seqhub-{os.getpid()}.probe"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        os.close(os.open(probe, flags, 0o600))
    finally:
        probe.unlink(missing_ok=True)
