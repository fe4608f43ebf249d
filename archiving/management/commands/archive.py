"""`manage.py archive`: seal runs now, or what is due."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from archiving.choices import Outcome, Status, Verified
from archiving.errors import AmbiguousRun
from archiving.management.foreground import LOOK_S, STOPPED, Foreground
from archiving.management.planning import plan_lines
from archiving.management.waiting import not_due
from archiving.models import ArchiveJob
from archiving.selectors import find_jobs, one_job
from archiving.services.claiming import (
    claim_job,
    claim_next,
    due_jobs,
    take_back_expired,
)
from archiving.services.jobs import retry
from archiving.services.policy import current_policy
from archiving.services.registration import (
    due_arrivals,
    free_name,
    register_due,
    register_path,
)
from archiving.services.requests import locate, request_archive
from archiving.services.sealing import seal_job
from seqhub.lib.lease import new_worker_id
from seqhub.lib.patience import TimedOut
from seqhub.lib.processes import Cancelled
from seqhub.lib.units import counted
from seqhub.operations.errors import DomainError, InvalidValue, NotFound
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand

DONE, FAILED, USAGE, WAITS = 0, 1, 2, 3
# Which of several results the exit code tells.
GRAVEST = (STOPPED, USAGE, FAILED, WAITS, DONE)
RESULTS = {Outcome.SEALED: DONE, Outcome.WAITING: WAITS}


class Command(DocumentedCommand):
    """Seal runs in the foreground, or follow a run that `up` is sealing already.

    RUN is a name, sequencer/run, or the path of any directory. --once instead
    registers what is due on this host, seals until nothing is, and lists the runs
    that wait or have failed. --dry-run says what would be done, and does nothing;
    with --once also why each other run is not due.

    The first Ctrl-C finishes the run that is being sealed and begins no other; a
    second one cancels it, and nothing of it is left.

    Exit codes: 0 each run is sealed and verified; 1 one could not be sealed; 2 the
    command line is wrong, or there is no such run; 3 one waits for space or for a
    receiver's key; 130 stopped before all was done.
    """

    # The work itself tells what is wrong for it; a disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("runs", nargs="*", metavar="RUN")
        parser.add_argument("--once", action="store_true", help="seal what is due")
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(
        self, *args: Any, runs: list[str], once: bool, dry_run: bool, **options: Any
    ) -> None:
        if once == bool(runs):
            raise CommandError("name the runs to seal, or say --once", returncode=USAGE)
        self._host = settings.CONFIG.host
        self._promised: set[str] = set()
        self._worker_id = new_worker_id(self._host)
        self._foreground = Foreground(self.stdout)
        with self._foreground.stop.installed():
            if dry_run:
                results = self._plan(runs)
            elif once:
                results = self._drain()
            else:
                results = self._each(runs)
            found = set(results)
        code = next((code for code in GRAVEST if code in found), DONE)
        if code != DONE:
            sys.exit(code)

    def _each(self, runs: Iterable[str]) -> Iterator[int]:
        for word in runs:
            if self._foreground.stop.is_requested:
                self._complain(f"{word}: not begun, for a stop was asked for")
                yield STOPPED
                continue
            try:
                yield self._seal(self._job_of(word))
            except (DomainError, TimedOut) as error:
                self._complain(f"{word}: {error}")
                is_unknown = isinstance(error, NotFound | AmbiguousRun | InvalidValue)
                yield USAGE if is_unknown else FAILED

    def _drain(self) -> Iterator[int]:
        if not self._is_on():
            yield FAILED
            return
        take_back_expired(self._host)
        self._say(f"{counted(register_due(self._host), 'run')} registered")
        tried: list[int] = []
        while not self._foreground.stop.is_requested:
            job = claim_next(self._host, self._worker_id)
            if job is None:
                self._say("nothing more is due")
                for left in _left_over(self._host).exclude(pk__in=tried):
                    yield self._tell_ended(left)
                return
            tried.append(job.pk)
            yield self._seal_claimed(job)
        yield STOPPED

    def _is_on(self) -> bool:
        """Whether anything can be sealed; if not, it is told why."""
        try:
            current_policy().require_destination()
        except DomainError as error:
            self._complain(error.message)
            return False
        return True

    def _job_of(self, word: str) -> ArchiveJob:
        """The job of a run, made if there is none. Raises DomainError, TimedOut."""
        actor = shell_actor()
        if (path := _directory(word)) is not None:
            return register_path(path, actor=actor)
        return request_archive(word, actor=actor)[0]

    def _seal(self, job: ArchiveJob) -> int:
        """Seal it, or wait until another worker has. Raises DomainError."""
        if job.status == Status.FAILED:
            retry(job.pk, actor=shell_actor(), reason="Asked for in a shell.")
        followed = 0
        while True:
            # Without `up`, nobody else looks for the jobs of dead workers.
            take_back_expired(self._host)
            job.refresh_from_db()
            if job.status == Status.ENCRYPTED:
                return self._tell_sealed(job)
            if job.status == Status.PROCESSING:
                followed = job.attempt
                self._foreground.show(job, job.name)
            elif followed or job.status == Status.FAILED:
                return self._tell_ended(job)
            elif obstacle := _obstacle(job):
                self._complain(f"{job.name}: {obstacle}")
                return FAILED
            elif claimed := claim_job(
                job.pk, self._host, self._worker_id, actor=shell_actor()
            ):
                return self._seal_claimed(claimed)
            if self._foreground.stop.is_requested:
                self._complain(f"{job.name}: no longer followed; its worker goes on")
                return STOPPED
            time.sleep(LOOK_S)

    def _seal_claimed(self, job: ArchiveJob) -> int:
        try:
            with self._foreground.working(job, job.name):
                attempt = seal_job(job)
        except Cancelled:
            self._complain(f"{job.name}: cancelled; nothing of this attempt is left")
            return STOPPED
        job.refresh_from_db()
        if attempt.outcome == Outcome.SEALED:
            return self._tell_sealed(job)
        return self._tell_ended(job)

    def _tell_sealed(self, job: ArchiveJob) -> int:
        """Of a job that has an archive; it is done only if that is verified."""
        if job.verification == Verified.VERIFIED and job.verified_at:
            at = timezone.localtime(job.verified_at)
            size = f"{job.archive_bytes:,} bytes" if job.archive_bytes else "its bytes"
            self._say(f"{job.archive_path}: {size}, verified {at:%Y-%m-%d %H:%M %Z}")
            return DONE
        what = "is damaged" if job.verification == Verified.DAMAGED else "is unverified"
        self._complain(
            f"{job.archive_path} {what}. See: seqhub verify {job.name}; it can be"
            " sealed anew on its page."
        )
        return FAILED

    def _tell_ended(self, job: ArchiveJob) -> int:
        """Why the last attempt made no archive."""
        attempt = job.attempts.first()
        outcome = Outcome(attempt.outcome) if attempt else Outcome.FAILED
        message = job.message or (attempt.message if attempt else "")
        why = f": {message.rstrip('.')}. {job.next_step}".rstrip() if message else "."
        self._complain(f"{job.name}: {outcome.label}{why}{_next_try(job)}")
        if outcome == Outcome.SEALED:
            return FAILED  # and sealed anew by now: a new attempt waits
        return RESULTS.get(outcome, FAILED)

    def _plan(self, runs: list[str]) -> Iterator[int]:
        if not runs and not self._is_on():
            yield FAILED
            return
        planned = self._named(runs) if runs else self._due()
        for word, location, name in planned:
            try:
                for line in plan_lines(location, name, current_policy()):
                    self._say(line)
            except (OSError, DomainError) as error:
                self._complain(f"{word}: {error}")
                yield FAILED
        if not runs:
            for location, why in not_due(self._host, current_policy()):
                self._say(f"{location}\n  not due    {why}")

    def _name_for(self, location: Path, sequencer: str = "") -> str:
        """What a new archive would be called, after those that were told before."""
        policy = current_policy()
        name = free_name(
            location.name,
            sequencer or location.parent.name,
            str(policy.require_destination()),
            str(policy.run_keys),
            self._promised,
        )
        self._promised.add(name)
        return name

    def _named(self, runs: list[str]) -> Iterator[tuple[str, Path, str]]:
        for word in runs:
            try:
                location = _directory(word) or locate(word)
            except (DomainError, TimedOut) as error:
                raise CommandError(f"{word}: {error}", returncode=USAGE) from None
            job = find_jobs(str(location)).first()
            if job and job.status == Status.ENCRYPTED:
                self._say(f"{job.archive_path} is there; nothing would be done")
                continue
            yield word, location, job.name if job else self._name_for(location)

    def _due(self) -> Iterator[tuple[str, Path, str]]:
        for job in due_jobs().filter(host=self._host):
            yield job.name, job.location, job.name
        for arrival in due_arrivals(self._host, current_policy()):
            location = arrival.location
            name = self._name_for(location, arrival.sequencer)
            yield str(location), location, name

    def _say(self, line: str) -> None:
        self._foreground.close()
        self.stdout.write(line)

    def _complain(self, line: str) -> None:
        self._foreground.close()
        self.stderr.write(line)


def _directory(word: str) -> Path | None:
    """The directory that a word is the path of, unless an archive is called so.

    Raises AmbiguousRun.
    """
    path = Path(word)
    is_path = word.startswith(("/", "./", "../")) or word in (".", "..")
    if not is_path and find_jobs(word).exists():
        one_job(word)
        return None
    return path.resolve() if path.is_dir() else None


def _left_over(host: str) -> QuerySet[ArchiveJob]:
    """Those that wait for something or have failed, and that nobody holds."""
    return ArchiveJob.objects.filter(
        Q(status=Status.FAILED)
        | Q(status=Status.PENDING, not_before__gt=Now())
        | Q(~Q(code=""), status=Status.ENCRYPTED),
        host=host,
        held_at=None,
        ignored_at=None,
    ).order_by("created_at", "pk")


def _next_try(job: ArchiveJob) -> str:
    if job.status == Status.PENDING and job.not_before:
        return f" Next try: {timezone.localtime(job.not_before):%Y-%m-%d %H:%M %Z}."
    return ""


def _obstacle(job: ArchiveJob) -> str:
    if job.held_at:
        by = f" by {job.held_by}" if job.held_by else ""
        why = f": {job.held_reason}" if job.held_reason else ""
        return f"on hold{by}{why}; release it first"
    return "ignored; take it back on its page first" if job.ignored_at else ""
