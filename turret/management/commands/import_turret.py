"""`manage.py import-turret`: what nextflow-turret kept in SQLite."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DataError

from seqhub.lib.text import printable
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from turret.management.turretdb import BadRun, DatabaseUnreadable, read_database
from turret.services.importing import OldRun, Outcome, import_run, status_of

FAILED, USAGE = 1, 2


class Command(BaseCommand):
    help = (
        "Take over the runs of nextflow-turret from its SQLite database (turret.db):"
        " counters, processes, the last failures and times. Its launches are counted"
        " only. May be repeated. Exit codes: 0 all were taken over; 1 some could not"
        " be, and were told; 2 the file can't be read."
    )

    # The work itself tells what is wrong for it.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            found = read_database(file)
        except DatabaseUnreadable as error:
            raise CommandError(
                printable(f"{file}: {error}"), returncode=USAGE
            ) from None
        self._counts: Counter[Outcome] = Counter()
        self._statuses: Counter[str] = Counter()
        self._failed = 0
        for run in found.runs:
            self._take(run, dry_run)
        self._sum_up("would be " if dry_run else "", found.launches)
        if self._failed:
            raise CommandError(f"{self._failed:,} were left out", returncode=FAILED)

    def _take(self, run: OldRun | BadRun, dry_run: bool) -> None:
        if isinstance(run, BadRun):
            self._leave_out(run.why)
            return
        try:
            outcome = import_run(run, actor=shell_actor(), dry_run=dry_run)
        except DomainError as error:
            self._leave_out(error.message)
            return
        except (DataError, ValueError) as error:
            self._leave_out(f"{run.workflow_id}: {error}")
            return
        self._counts[outcome] += 1
        self._statuses[status_of(run)] += 1

    def _leave_out(self, why: str) -> None:
        self._failed += 1
        self.stderr.write(printable(why))

    def _sum_up(self, would: str, launches: int) -> None:
        for status, count in sorted(self._statuses.items()):
            self.stdout.write(f"{status}: {count:,}")
        self.stdout.write(
            f"{self._counts[Outcome.NEW]:,} {would}taken over,"
            f" {self._counts[Outcome.UPDATED]:,} {would}brought up to date,"
            f" {self._counts[Outcome.UNCHANGED]:,} were known"
        )
        if launches:
            self.stdout.write(
                f"{launches:,} launches are not taken over: SeqHub keeps no launches"
                " yet. Keep the file."
            )
