"""Room for archives: enough before one is begun, and while it grows."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.db import transaction
from django.db.models import Q

from archiving.choices import Stage
from archiving.engine.trouble import destination_trouble
from archiving.engine.walk import Survey
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob
from archiving.selectors import running_jobs
from archiving.services import locks
from archiving.services.policy import Policy
from seqhub.lib.lease import LeaseLost, holds
from seqhub.lib.patience import TimedOut, within
from seqhub.lib.units import format_bytes

ANSWER_S = 30
# Header, padding and perhaps a long name in the tar, and lines in two manifests.
_PER_ENTRY_BYTES = 2048
# gpg's packet headers are less than a thousandth.
_GPG_SHARE = 1000
_STEP = (
    "Free space there or change archiving.destination_path; it is tried again by "
    "itself."
)


def needed_bytes(survey: Survey) -> int:
    """What the archive and its manifests will take at most, in bytes."""
    content = survey.size_bytes + survey.entries * _PER_ENTRY_BYTES
    return content + content // _GPG_SHARE


def reserve(job: ArchiveJob, survey: Survey, policy: Policy) -> None:
    """Make sure that the archive will fit beside those that are being written.

    From then on it counts for the others, too: the stage is sealing, and the bytes
    to come are in the row. Raises Trouble(NO_SPACE, DESTINATION_...), LeaseLost.
    """
    needed = needed_bytes(survey)
    directory = Path(job.destination)
    with transaction.atomic():
        # Two that look at the same time would both take the same space: those of this
        # host, whatever they call the disk, and those of others that share it.
        locks.wait_for(locks.SPACE, job.host)
        locks.wait_for(locks.SPACE, job.destination)
        free = _ask(directory)
        promised = _promised_bytes(job)
        if free - promised < needed + policy.margin_bytes:
            raise _no_space(directory, free, promised, needed + policy.margin_bytes)
        rows = ArchiveJob.objects.filter(holds(job)).update(
            stage=Stage.SEALING,
            bytes_done=0,
            bytes_total=needed,
            files_done=0,
            files_total=survey.files,
        )
        if not rows:
            raise LeaseLost(f"{job} was taken back")


def check_margin(directory: Path, policy: Policy) -> None:
    """Raises Trouble(NO_SPACE) when less than the margin is left there.

    A disk that does not answer is left to whoever writes to it.
    """
    with suppress(OSError, TimedOut):
        free = free_bytes(directory)
        if free < policy.margin_bytes:
            raise Trouble(
                Code.NO_SPACE,
                f"{directory} has {format_bytes(free)} left, and "
                f"{format_bytes(policy.margin_bytes)} are to stay free",
                _STEP,
            )


def free_bytes(directory: Path) -> int:
    """What we may still write there. Raises OSError, TimedOut."""
    disk = within(ANSWER_S, str(directory), os.statvfs, directory)
    return disk.f_bavail * disk.f_frsize


def _ask(directory: Path) -> int:
    try:
        return free_bytes(directory)
    except OSError as error:
        raise destination_trouble(directory, error) from error
    except TimedOut as error:
        raise silent(directory) from error


def silent(directory: Path) -> Trouble:
    """The disk did not answer in time."""
    return Trouble(
        Code.DESTINATION_MISSING,
        f"{directory} does not answer",
        "Is a network mount stuck? It is tried again by itself.",
    )


def _promised_bytes(job: ArchiveJob) -> int:
    """What others have still to write to the same disk. Another host's is the same
    if it has the same path."""
    others = running_jobs().filter(
        Q(host=job.host) | Q(destination=job.destination), stage=Stage.SEALING
    )
    return sum(
        max((other.bytes_total or 0) - other.bytes_done, 0)
        for other in others.exclude(pk=job.pk)
        if _is_same_disk(other.destination, job.destination)
    )


def _is_same_disk(one: str, other: str) -> bool:
    if one == other:
        return True
    with suppress(OSError):
        return Path(one).stat().st_dev == Path(other).stat().st_dev
    return False


def _no_space(directory: Path, free: int, promised: int, needed: int) -> Trouble:
    taken = ""
    if promised:
        taken = f", of which {format_bytes(promised)} are for runs being sealed"
    return Trouble(
        Code.NO_SPACE,
        f"{directory} has {format_bytes(free)} free{taken}; the run needs "
        f"{format_bytes(needed)}",
        _STEP,
    )
