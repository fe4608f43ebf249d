"""Which run folders are due for sealing, and the jobs that are made for them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from archiving.choices import Origin, Status
from archiving.conf import Registration
from archiving.models import ArchiveJob
from archiving.services import locks
from archiving.services.arrivals import (
    ANSWER_S,
    STAT_S,
    Arrival,
    arrivals,
    complete_runs,
    inode_of,
)
from archiving.services.attention import sync_attention
from archiving.services.doorbell import ring_for_work
from archiving.services.history import record
from archiving.services.naming import candidate_names
from archiving.services.policy import Policy, current_policy
from archiving.services.successors import (
    is_restored,
    jobs_with_strangers,
    stranger_of,
    successor_of,
)
from runfolders.models import Runfolder
from runfolders.services.columns import path_columns
from seqhub.lib.patience import TimedOut, within
from seqhub.operations.choices import Source
from seqhub.operations.errors import DomainError, InvalidValue, NotFound
from seqhub.operations.services.events import SYSTEM, Actor

log = logging.getLogger(__name__)


def register_due(host: str) -> int:
    """Make jobs for what the configuration wants sealed; answers how many.

    A folder that can't be registered is logged and stops no other.
    """
    policy = current_policy()
    _follow_moves(host)
    _follow_rows(host)
    registered = 0
    for arrival in due_arrivals(host, policy):
        try:
            _, is_new = _register(arrival, host, policy, actor=SYSTEM)
        except (OSError, TimedOut, DatabaseError, DomainError) as error:
            log.warning("%s can't be registered: %s", arrival.location, error)
            continue
        registered += is_new
    if registered:
        ring_for_work(host)
    return registered


def due_arrivals(host: str, policy: Policy) -> Iterator[Arrival]:
    """Run folders without a job that the configuration wants sealed."""
    if not policy.is_on or policy.register_when == Registration.BY_HAND:
        return
    for arrival in (*arrivals(host, policy), *complete_runs(host, policy)):
        if not unwanted(arrival, policy):
            yield arrival


def register_runfolder(runfolder_id: int, *, actor: Actor) -> ArchiveJob:
    """The job of a run folder, made if there is none: a person wants it sealed.

    Raises SealingOff, NotFound (also if the folder is no longer on disk).
    """
    runfolder = (
        Runfolder.objects.select_related("instrument").filter(pk=runfolder_id).first()
    )
    if runfolder is None or not runfolder.is_present:
        raise NotFound("The run folder is no longer on disk.")
    arrival = Arrival.of_runfolder(runfolder, "asked for")
    return _register_by_hand(arrival, runfolder.host, actor)


def register_path(path: Path, *, actor: Actor) -> ArchiveJob:
    """The same for a directory of this host, which need not be a known run folder.

    From a shell any directory will do, from elsewhere only one where runs are
    looked for. Raises SealingOff, NotFound, InvalidValue, TimedOut.
    """
    policy = current_policy()
    policy.require_destination()
    host = settings.CONFIG.host
    try:
        location = path.resolve(strict=True)
    except OSError as error:
        raise NotFound(f"{path} is not there: {error.strerror}.") from error
    if not location.is_dir():
        raise InvalidValue(f"{path} is not a directory.")
    if top := policy.sequencing_path:
        location = within(ANSWER_S, str(top), _as_arrivals_spell, location, top)
    columns = path_columns(str(location))
    row = Runfolder.objects.filter(host=host, path=columns["path"], is_present=True)
    if runfolder := row.select_related("instrument").first():
        return register_runfolder(runfolder.pk, actor=actor)
    is_run = policy.sequencing_path and location.parent.parent == policy.sequencing_path
    if not is_run and actor.source != Source.COMMAND:
        raise InvalidValue(f"{path} is no run folder that SeqHub knows.")
    arrival = Arrival(location, location.parent.name, None, "asked for")
    return _register_by_hand(arrival, host, actor)


def _as_arrivals_spell(location: Path, top: Path) -> Path:
    """`top` and the sequencers' directories in it may be links; a run that is spelled
    in two ways would become two."""
    with suppress(OSError):
        for above in top.iterdir():
            if above.resolve() == location.parent:
                return above / location.name
    return location


def _register_by_hand(arrival: Arrival, host: str, actor: Actor) -> ArchiveJob:
    policy = current_policy()
    policy.require_destination()
    if _holds_ours(arrival.location, policy):
        raise InvalidValue(
            f"{arrival.location} holds files of SeqHub's own, or lies among archives."
        )
    job, is_new = _register(arrival, host, policy, actor=actor, is_manual=True)
    if not is_new and not job.is_manual and job.status == Status.PENDING:
        ArchiveJob.objects.filter(pk=job.pk).update(is_manual=True)
        job.is_manual = True
    ring_for_work(job.host)
    return job


def unwanted(arrival: Arrival, policy: Policy) -> str:
    """A sentence: why it may not be taken without anybody asking for it; empty if it
    may."""
    names = (arrival.location.name, arrival.location.parent.name, arrival.sequencer)
    for glob in policy.ignore:
        if any(fnmatchcase(name, glob) for name in names):
            return f"archiving.ignore leaves it out: {glob}."
    if _holds_ours(arrival.location, policy):
        return "It holds files of SeqHub's own, or lies among archives."
    if is_restored(arrival.location):
        return "It was restored from an archive, and is not sealed again by itself."
    return ""


def _holds_ours(location: Path, policy: Policy) -> bool:
    """Whether an archive of the folder would hold archives or keys."""
    ours = [policy.run_keys, policy.manifests_dir, policy.gpg_work_dir]
    if policy.destination:
        ours.append(policy.destination)
    among = (policy.run_keys, policy.destination)
    return any(path.is_relative_to(location) for path in ours) or any(
        path is not None and location.is_relative_to(path) for path in among
    )


def _register(
    arrival: Arrival,
    host: str,
    policy: Policy,
    *,
    actor: Actor,
    is_manual: bool = False,
) -> tuple[ArchiveJob, bool]:
    """The job, and whether it is new. Raises OSError, TimedOut."""
    destination = str(policy.require_destination())
    run_keys = str(policy.run_keys)
    columns = path_columns(str(arrival.location))
    inode = inode_of(arrival)
    with transaction.atomic():
        # Names are given out one after the other.
        locks.wait_for(locks.REGISTER, "names")
        if known := _known_job(arrival, host, columns["path"], inode, destination):
            return known, False
        if inode is not None and (known := _spelled_otherwise(arrival, host, inode)):
            return known, False
        now = timezone.now()
        job = ArchiveJob.objects.create(
            runfolder=arrival.runfolder,
            host=host,
            run_name=columns["name"],
            sequencer=arrival.sequencer[:255],
            path=columns["path"],
            raw_path=columns["raw_path"],
            inode=inode,
            name=free_name(columns["name"], arrival.sequencer, destination, run_keys),
            destination=destination,
            run_keys=run_keys,
            is_manual=is_manual,
            status_since=now,
            created_at=now,
            updated_at=now,
        )
        words = f"To be sealed as {job.name}: {arrival.why}."
        record(job, "registered", words, actor=actor, data={"path": job.path})
        return job, True


def _known_job(
    arrival: Arrival, host: str, path: str, inode: int | None, destination: str
) -> ArchiveJob | None:
    """The job that there is for this folder, whichever host or service made it."""
    meant = Q(path=path, host=host)
    if arrival.runfolder:
        meant |= Q(runfolder=arrival.runfolder)
    if inode is not None:
        meant |= Q(path=path, inode=inode)
    if job := ArchiveJob.objects.filter(meant).order_by("pk").first():
        return job
    # The old service knew runs by their names alone. One of another sequencer is
    # another run.
    run_name = path_columns(str(arrival.location))["name"]
    adopted = ArchiveJob.objects.filter(
        origin=Origin.ADOPTED, destination=destination, run_name=run_name
    )
    above = arrival.location.parent.name
    for job in adopted:
        if "/" not in job.path or job.location.parent.name == above:
            return job
    return None


def _spelled_otherwise(arrival: Arrival, host: str, inode: int) -> ArchiveJob | None:
    """The job of the very same directory by another path: a link leads to it, or a
    root as well as `sequencing_path`. Raises TimedOut."""
    for job in ArchiveJob.objects.filter(host=host, inode=inode):
        with suppress(OSError):
            place = str(job.location.parent)
            if within(STAT_S, place, job.location.samefile, arrival.location):
                if job.runfolder is None and arrival.runfolder:
                    job.runfolder = arrival.runfolder
                    job.save(update_fields=["runfolder"])
                return job
    return None


def free_name(
    run_name: str,
    sequencer: str,
    destination: str,
    run_keys: str,
    promised: Collection[str] = (),
) -> str:
    """What a new archive of this run is called there, if the `promised` names are
    given out before. Keys of archives at former destinations may lie in the same
    `run_keys`."""
    taken = ArchiveJob.objects.filter(Q(destination=destination) | Q(run_keys=run_keys))
    return next(
        name
        for name in candidate_names(run_name, sequencer)
        if name not in promised and not taken.filter(name=name).exists()
    )


def _follow_moves(host: str) -> None:
    """A run folder that moved is sealed where it is now."""
    moved = (
        ArchiveJob.objects.filter(
            host=host,
            status__in=(Status.PENDING, Status.FAILED),
            runfolder__is_present=True,
            runfolder__host=host,
        )
        .exclude(path=F("runfolder__path"))
        .select_related("runfolder")
        .select_for_update(of=("self",), skip_locked=True)
    )
    with transaction.atomic():
        for job in moved:
            assert job.runfolder is not None  # noqa: S101 - by the filter
            path = job.runfolder.path
            if ArchiveJob.objects.filter(host=host, path=path).exists():
                continue
            words = f"The run is at {path} now; it was at {job.path}."
            job.path, job.raw_path = path, job.runfolder.raw_path
            job.run_name = job.runfolder.name
            job.save(update_fields=["path", "raw_path", "run_name"])
            sync_attention(job)
            record(job, "moved", words, actor=SYSTEM)


def _follow_rows(host: str) -> None:
    """A job belongs to the run folder that it seals or was sealed from last, also
    when that was seen only afterwards, or lies where another one lay."""
    jobs = jobs_with_strangers().filter(host=host).exclude(runfolder__is_present=True)
    with transaction.atomic():
        for job in jobs.select_for_update(of=("self",), skip_locked=True):
            row = stranger_of(job)
            if row is None or successor_of(job) or is_restored(row.location):
                continue
            job.runfolder = row
            job.save(update_fields=["runfolder"])
            sync_attention(job)
