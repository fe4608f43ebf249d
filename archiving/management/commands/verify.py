"""`manage.py verify`: read archives, and say whether they are as sealed."""

from __future__ import annotations

import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import F

from archiving.choices import CheckState, Depth
from archiving.engine.findings import Fault
from archiving.management.foreground import LOOK_S, STOPPED, Foreground
from archiving.models import ArchiveJob, Verification
from archiving.selectors import one_job
from archiving.services.verification import (
    OPEN,
    cancel_verification,
    claim_verification,
    request_verification,
    run_verification,
)
from seqhub.lib.lease import LeaseLost, new_worker_id
from seqhub.lib.processes import Cancelled
from seqhub.lib.units import parse_duration
from seqhub.operations.errors import DomainError, IllegalTransition
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand

AS_SEALED, DIFFERS, USAGE, UNCHECKED, TIME_UP = range(5)
# Which of several results the exit code tells.
GRAVEST = (DIFFERS, STOPPED, UNCHECKED, TIME_UP, AS_SEALED)
ABOUT_SOURCE = {Fault.SOURCE_MISSING, Fault.SOURCE_CHANGED, Fault.SOURCE_EXTRA}
SHOWN_FINDINGS = 20


class Command(DocumentedCommand):
    """Read archives and say what is as sealed, what is not, and what was not looked
    at. Without RUN all archives of this host, those first that were read longest
    ago.

    Where a secret key is at hand (archiving.gnupg_home, or --key-file for one RUN)
    every file is compared with the manifest, else the archive's bytes with those
    that were verified when it was sealed.

    Exit codes: 0 all is as sealed; 1 something is damaged or, with --source or
    --deep, the run folder has changed; 2 the command line is wrong, or there is no
    such archive; 3 something could not be looked at (a run folder that is gone, say),
    or there is no archive; 4 the time was up before all were read; 130 stopped.
    """

    # The work itself tells what is wrong for it; a disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "runs", nargs="*", metavar="RUN", help="a name, sequencer/run, or path"
        )
        parser.add_argument(
            "--sample", type=int, metavar="N", help="so many of them, at random"
        )
        parser.add_argument(
            "--max-duration", metavar="TIME", help="stop then: 90s, 30min, 2h, 1d"
        )
        parser.add_argument(
            "--key-file",
            type=Path,
            metavar="FILE",
            help="the run key, as RUN.key.gpg or decrypted (gpg -d RUN.key.gpg)",
        )
        parser.add_argument(
            "--source",
            action="store_true",
            help="compare names, sizes and times of the run folder, too",
        )
        parser.add_argument(
            "--deep", action="store_true", help="compare the run's content, too"
        )
        parser.add_argument(
            "--bytes", action="store_true", help="only the archive's bytes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._options = options
        self._host = settings.CONFIG.host
        self._foreground = Foreground(self.stdout)
        self._until = _end_of(options["max_duration"])
        jobs = self._jobs(options["runs"], options["sample"])
        if options["key_file"] and len(jobs) != 1:
            raise CommandError("--key-file opens one RUN", returncode=USAGE)
        if not jobs:
            raise CommandError(
                f"there is no archive on {self._host} to verify", returncode=UNCHECKED
            )
        with self._foreground.stop.installed(), self._time_limit():
            found = set(self._each(jobs))
        code = next(code for code in GRAVEST if code in found)
        if code != AS_SEALED:
            sys.exit(code)

    def _jobs(self, runs: Sequence[str], sample: int | None) -> list[ArchiveJob]:
        """Raises CommandError."""
        if sample is not None and sample < 1:
            raise CommandError("--sample is a number from 1", returncode=USAGE)
        if runs and sample is not None:
            raise CommandError("name runs, or a --sample of all", returncode=USAGE)
        if runs:
            try:
                return [one_job(word) for word in runs]
            except DomainError as error:
                raise CommandError(error.message, returncode=USAGE) from None
        jobs = ArchiveJob.objects.filter(
            host=self._host, sealed_at__isnull=False, is_here=True
        ).defer("wrapped_key")
        if sample is not None:
            return list(jobs.order_by("?")[:sample])
        return list(jobs.order_by(F("verified_at").asc(nulls_first=True), "pk"))

    def _each(self, jobs: Sequence[ArchiveJob]) -> Iterator[int]:
        for number, job in enumerate(jobs):
            if self._is_time_up() or self._foreground.stop.is_requested:
                self._complain(f"{len(jobs) - number} of {len(jobs)} were not read")
                yield TIME_UP if self._is_time_up() else STOPPED
                return
            try:
                yield self._verify(job)
            except DomainError as error:
                self._complain(f"{job.name}: not verified: {error.message}")
                yield UNCHECKED
            except LeaseLost:
                self._complain(f"{job.name}: another worker has taken it over")
                yield UNCHECKED

    def _verify(self, job: ArchiveJob) -> int:
        """Raises DomainError, LeaseLost."""
        row = self._claim(job)
        if row is None:
            host = "" if job.host == self._host else f"; it is on {job.host}"
            self._complain(f"{job.name}: can't be read now: {job.status}{host}")
            return UNCHECKED
        try:
            with self._foreground.working(row, job.name):
                row = run_verification(row, key_file=self._options["key_file"])
        except Cancelled:
            cancel_verification(row.pk, actor=shell_actor(), reason="Stopped.")
            self._complain(f"{job.name}: not read to its end")
            return TIME_UP if self._is_time_up() else STOPPED
        return self._tell(job, row)

    def _claim(self, job: ArchiveJob) -> Verification | None:
        """A verification as it is asked for, claimed; one that runs is waited for.
        None if the archive can't be had here. Raises DomainError."""
        worker_id = new_worker_id(self._host)
        depth = Depth.BYTES if self._options["bytes"] else Depth.FULL
        while True:
            try:
                # In one transaction: no other worker sees it waiting, and it waits
                # for none if we can't have it.
                with transaction.atomic():
                    asked = request_verification(
                        job.pk,
                        actor=shell_actor(),
                        depth=depth,
                        with_source=self._options["source"],
                        is_deep=self._options["deep"],
                    )
                    row = claim_verification(asked.pk, self._host, worker_id)
                    if row is None:
                        transaction.set_rollback(True)
                    return row
            except IllegalTransition:
                running = job.verifications.filter(state__in=OPEN).first()
                if running is None or self._foreground.stop.is_requested:
                    raise
                self._foreground.show(running, f"{job.name} (another worker)")
                time.sleep(LOOK_S)

    def _tell(self, job: ArchiveJob, row: Verification) -> int:
        state = CheckState(row.state)
        if state == CheckState.REQUESTED:
            self._complain(f"{job.name}: was sealed anew meanwhile; repeat this")
            return UNCHECKED
        code, result = result_of(row)
        self._say(f"{job.name}: {result}")
        for sentence in row.checked:
            self._say(f"  checked      {sentence}")
        for sentence in row.not_checked:
            self._say(f"  not checked  {sentence}")
        for finding in row.findings[:SHOWN_FINDINGS]:
            self._complain(f"  found        {finding['message']}")
        if more := row.findings_count - min(len(row.findings), SHOWN_FINDINGS):
            self._complain(f"  found        {more:,} more")
        if row.message and not row.findings:
            self._complain(f"  {row.message}")
        if state == CheckState.DAMAGED:
            self._complain(f"  next         {next_step(row)}")
        return code

    @contextmanager
    def _time_limit(self) -> Iterator[None]:
        """Within it, the end of the time cancels what is being read."""
        if self._until is None:
            yield
            return
        stop = self._foreground.stop
        before = signal.signal(signal.SIGALRM, lambda _signum, _frame: stop.cancel())
        left = max(self._until - time.monotonic(), 0.001)
        signal.setitimer(signal.ITIMER_REAL, left)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _is_time_up(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    def _say(self, line: str) -> None:
        self._foreground.close()
        self.stdout.write(line)

    def _complain(self, line: str) -> None:
        self._foreground.close()
        self.stderr.write(line)


def result_of(row: Verification) -> tuple[int, str]:
    """The exit code of a verification that is over, and its result in words."""
    if row.state == CheckState.DAMAGED:
        return DIFFERS, CheckState.DAMAGED.label
    if row.state != CheckState.OK:
        return UNCHECKED, CheckState(row.state).label
    if any(finding["fault"] in ABOUT_SOURCE for finding in row.findings):
        return DIFFERS, "archive as sealed; the run folder has changed"
    is_asked = row.with_source or row.is_deep
    if is_asked and any(word.startswith("The run:") for word in row.not_checked):
        return UNCHECKED, "archive as sealed; the run folder was not compared"
    return AS_SEALED, CheckState.OK.label


def next_step(row: Verification) -> str:
    """What to do about damage."""
    faults = {finding["fault"] for finding in row.findings} - ABOUT_SOURCE
    if faults == {Fault.KEY_MISSING} and row.job.wrapped_key is not None:
        return "Write the key file again: seqhub keys --export"
    if row.job.location.is_dir():
        return (
            "Seal the run anew on its page; the old archive stays until the new one"
            " is verified."
        )
    return (
        "Bring back another copy under the same name, and verify it. Files that are"
        " whole can be restored by name: seqhub restore --file"
    )


def _end_of(duration: str | None) -> float | None:
    """time.monotonic() at the end of it. Raises CommandError."""
    if duration is None:
        return None
    try:
        return time.monotonic() + parse_duration(duration)
    except ValueError as error:
        raise CommandError(f"--max-duration: {error}", returncode=USAGE) from None
