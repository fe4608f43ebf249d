"""`manage.py import-statusdb`: what dataflow_archive kept in CouchDB."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from archiving.engine.gpg.home import open_home
from archiving.errors import Trouble
from archiving.management.statusdb import (
    Document,
    DumpUnreadable,
    documents,
    read_rows,
)
from archiving.services.adoption import OldRun, Outcome, adopt, has_archive
from archiving.services.destination import missing_disk
from archiving.services.policy import Policy, current_policy
from seqhub.lib.text import printable
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor

FAILED, USAGE = 1, 2


class Command(BaseCommand):
    help = (
        "Take over the runs and archives of dataflow_archive from a dump of its CouchDB"
        " database (curl URL/DATABASE/_all_docs?include_docs=true): statuses, failures"
        " and times. Its archives are looked for in archiving.destination_path, their"
        " keys in run_keys_path. May be repeated. Exit codes: 0 all were taken over; 1"
        " some could not be, or their archives were not found, and were told; 2 the"
        " file can't be read, or the disk of the archives is not there."
    )
    # The work itself tells what is wrong for it; a disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        policy = current_policy()
        if policy.destination is None:
            raise CommandError(
                "archiving.destination_path is not set: name the directory of the"
                " archives",
                returncode=USAGE,
            )
        try:
            rows = read_rows(file)
        except DumpUnreadable as error:
            raise CommandError(f"{file}: {error}", returncode=USAGE) from None
        found = list(documents(rows))
        if any(has_archive(one.status) for one in found if isinstance(one, Document)):
            self._require_disk(policy.destination)
        self._counts: Counter[Outcome] = Counter()
        self._statuses: Counter[str] = Counter()
        self._failed = 0
        try:
            with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
                for one in found:
                    self._take(one, policy, policy.destination, home, dry_run)
        except Trouble as trouble:
            raise CommandError(f"{trouble.message}. {trouble.next_step}") from None
        self._sum_up("would be " if dry_run else "")
        if self._failed:
            raise CommandError(f"{self._failed:,} were left out", returncode=FAILED)

    def _require_disk(self, destination: Path) -> None:
        """Raises CommandError: without its disk each archive would seem to be lost."""
        if trouble := missing_disk(destination):
            words = f"{trouble.message}. {trouble.next_step}"
            raise CommandError(words, returncode=USAGE)

    def _take(
        self,
        one: Document | str,
        policy: Policy,
        destination: Path,
        home: Path,
        dry_run: bool,
    ) -> None:
        if isinstance(one, str):
            self._leave_out(one)
            return
        old = OldRun(
            run_name=one.run_name,
            path=os.path.normpath(one.path),
            status=one.status,
            created_at=one.created_at or one.updated_at,
            updated_at=one.updated_at,
            destination=destination,
            run_keys=policy.run_keys,
            failure_count=one.failure_count,
            pdc_archived=one.sent_at,
        )
        try:
            adoption = adopt(
                old,
                host=settings.CONFIG.host,
                home=home,
                actor=shell_actor(),
                dry_run=dry_run,
            )
        except DomainError as error:
            self._leave_out(error.message)
            return
        self._counts[adoption.outcome] += 1
        self._statuses[one.status] += 1

    def _leave_out(self, why: str) -> None:
        self._failed += 1
        # Names in a dump are anybody's words.
        self.stderr.write(printable(why))

    def _sum_up(self, would: str) -> None:
        for status, count in sorted(self._statuses.items()):
            self.stdout.write(f"{status}: {count:,}")
        self.stdout.write(
            f"{self._counts[Outcome.NEW]:,} {would}taken over,"
            f" {self._counts[Outcome.FILLED]:,} {would}brought up to date,"
            f" {self._counts[Outcome.UNCHANGED]:,} were known"
        )
