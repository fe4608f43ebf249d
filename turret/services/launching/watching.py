"""Launches under way, looked after by their host: started, watched, ended."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from seqhub.lib import drain
from seqhub.lib.patience import TimedOut
from seqhub.lib.processes import ProcessId
from turret.choices import ComputeKind, LaunchState
from turret.engine.launching import process, slurm_jobs
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.process import Sight
from turret.engine.launching.slurm_jobs import Job, NoSlurm, SlurmDown
from turret.models import Launch
from turret.services.launching import locks, reasons
from turret.services.launching.checkouts import is_missing
from turret.services.launching.environments import configured_compute, environment_of
from turret.services.launching.fetching import Fetches
from turret.services.launching.finishing import finish, lose, script_of
from turret.services.launching.following import follow
from turret.services.launching.plans import files_of, on_disk
from turret.services.launching.starting import (
    begin,
    claim_due,
    fail,
    note_running,
    of_slurm,
)
from turret.services.launching.states import (
    ACTIVE,
    KEEP_LOOKING,
    Reason,
    lock_launch,
    wait,
)
from turret.services.launching.stopping import stop_if_due, withdraw

log = logging.getLogger(__name__)

# The next minute's tick takes over; django-q2 ends a task after 120 s.
STAY_S = 50
EVERY_S = 2.0
NAP_S = 0.1
# After so many looks, EVERY_S apart, what is lost on this host is known to be.
LOOKS = 3
# Between the look that misses a process and the one that says so: its exit code may
# be on its way, over a network longer.
GONE_S = {ComputeKind.LOCAL.value: 3.0, ComputeKind.SLURM.value: 20.0}
_HEAVY = ("config_text", "params", "workflow__config_text", "workflow__params")


def tend(host: str) -> None:
    """Start what is due, look at what is under way, and again for most of a minute
    while there is something; one process a host does so.

    Ends early when the cluster wants to stop.
    """
    until = time.monotonic() + STAY_S
    if host == settings.CONFIG.host:
        configured_compute()  # people choose it before anything was launched
    watch = Watch(host)
    watch.look()
    with locks.exclusive(locks.STAY, host) as is_mine:
        while is_mine and under_way(host).exists():
            if not _wait(min(EVERY_S, until - time.monotonic())):
                break
            watch.look()


def under_way(host: str) -> QuerySet[Launch]:
    return Launch.objects.filter(host=host, state__in=(LaunchState.PENDING, *ACTIVE))


class Watch:
    """Looks at the launches of a host; remembers what it has missed before."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._gone: dict[int, float] = {}
        self._fetches = Fetches()

    def look(self) -> None:
        """At each of them once; trouble with one is none of the others'."""
        claim_due(self._host)
        launches = list(_watched(self._host))
        jobs = _jobs_of(launches)
        for launch in launches:
            try:
                self._look_at(launch, jobs)
            except SlurmDown as error:
                _say(launch, of_slurm(error))
            except TimedOut as error:
                _say(launch, reasons.of_silent_disk(error))
            except Exception:
                log.exception("launch %s: the look at it went wrong", launch.pk)

    def _look_at(self, launch: Launch, jobs: dict[str, Job] | SlurmDown) -> None:
        files = files_of(launch)
        sight = on_disk(launch, process.see, files)
        if sight.exit_code is not None:
            self._gone.pop(launch.pk, None)
            finish(launch, sight)
            return
        if launch.state == LaunchState.LOST:
            return
        is_to_begin = launch.state == LaunchState.STARTING and not sight.has_begun
        if launch.cancel_asked_at and is_to_begin and withdraw(launch):
            return
        if launch.compute.kind == ComputeKind.SLURM:
            self._look_at_job(launch, sight, jobs)
        elif is_to_begin:
            self._begin(launch, {})
        else:
            self._look_at_process(launch, files, sight)

    def _begin(self, launch: Launch, jobs: dict[str, Job]) -> None:
        if is_missing(launch):
            self._fetches.begin(launch.pk)
        else:
            begin(launch.pk, jobs)

    def _look_at_process(
        self, launch: Launch, files: LaunchFiles, sight: Sight
    ) -> None:
        script = script_of(launch) or sight.script
        if script is None or not process.is_running(files, script):
            boot = ProcessId.current().boot
            rebooted = script is not None and script.boot != boot
            is_gone = not (rebooted or sight.has_begun)
            lost = reasons.of_lost(rebooted=rebooted)
            self._miss(launch, reasons.of_gone_files(launch) if is_gone else lost)
            return
        self._gone.pop(launch.pk, None)
        if launch.state == LaunchState.STARTING:
            note_running(launch, script)
        _say(launch, Reason())
        stop_if_due(
            launch,
            lambda: process.stop(files, script),
            lambda: process.kill(files, script),
        )
        follow(launch)

    def _look_at_job(
        self, launch: Launch, sight: Sight, jobs: dict[str, Job] | SlurmDown
    ) -> None:
        if isinstance(jobs, SlurmDown):
            is_to_begin = launch.state == LaunchState.STARTING and not launch.job_id
            if isinstance(jobs, NoSlurm) and is_to_begin and not sight.has_begun:
                fail(launch, reasons.of_no_slurm(jobs))
            else:
                _say(launch, of_slurm(jobs))
            return
        env = environment_of(launch.compute)
        job = jobs.get(slurm_jobs.job_name(launch.launch_id))
        if job is None and launch.job_id:
            job = slurm_jobs.ended_job(launch.job_id, launch.launch_id, env)
        if job is None and not launch.job_id and not sight.has_begun:
            self._begin(launch, jobs)
            return
        if job is None or job.has_ended:
            self._miss_job(launch, job)
            return
        self._gone.pop(launch.pk, None)
        if job.is_waiting:
            why = f": {job.reason}" if job.reason else ""
            _say(launch, Reason("slurm_queue", f"It waits in SLURM's queue{why}."))
        elif launch.state == LaunchState.STARTING:
            note_running(launch, None, job.job_id)
        else:
            _say(launch, Reason())
        of_job = job.job_id, launch.launch_id, env
        stop = slurm_jobs.kill if job.is_waiting else slurm_jobs.stop
        stop_if_due(launch, lambda: stop(*of_job), lambda: slurm_jobs.kill(*of_job))
        if launch.state == LaunchState.RUNNING:
            follow(launch)

    def _miss_job(self, launch: Launch, job: Job | None) -> None:
        if job is None:
            self._miss(launch, reasons.of_lost())
            return
        words = f"SLURM ended its job {job.job_id}: {job.state}"
        told = f"{words} ({job.reason})." if job.reason else f"{words}."
        self._miss(launch, reasons.of_lost(told=told))

    def _miss(self, launch: Launch, reason: Reason) -> None:
        """There is neither a process nor an exit code; the second time, that is it."""
        now = time.monotonic()
        since = self._gone.setdefault(launch.pk, now)
        if now - since < GONE_S[launch.compute.kind] and not launch.kill_at:
            return
        sight = on_disk(launch, process.see, files_of(launch))
        if sight.exit_code is not None:
            finish(launch, sight)
            return
        del self._gone[launch.pk]
        lose(launch, sight, reason)


def _watched(host: str) -> QuerySet[Launch]:
    late = timezone.now() - KEEP_LOOKING
    wanted = Q(state__in=ACTIVE) | Q(state=LaunchState.LOST, finished_at__gte=late)
    rows = Launch.objects.filter(wanted, host=host)
    rows = rows.select_related("workflow", "compute").defer(*_HEAVY)
    return rows.order_by("submitted_at", "pk")


def _jobs_of(launches: list[Launch]) -> dict[str, Job] | SlurmDown:
    """All jobs by their names, asked for once if there is any."""
    for launch in launches:
        is_of_slurm = launch.compute.kind == ComputeKind.SLURM
        if is_of_slurm and launch.state != LaunchState.LOST:
            try:
                return slurm_jobs.listed(environment_of(launch.compute))
            except SlurmDown as error:
                return error
            except slurm_jobs.Refused as error:
                return SlurmDown(f"{error}")
    return {}


def _say(launch: Launch, reason: Reason) -> None:
    """Why it waits; a person's limit that is passed is not talked over."""
    if launch.code == reasons.TIME_LIMIT:
        return
    if (launch.code, launch.message) == (reason.code, reason.message):
        return
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state in ACTIVE:
            wait(locked, reason)


def _wait(seconds: float) -> bool:
    """Wait so long; False if there is no time left or the cluster stops."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not drain.is_asked():
        time.sleep(min(left, NAP_S))
    return seconds > 0 and not drain.is_asked()
