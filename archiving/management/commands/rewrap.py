"""`manage.py rewrap`: let the present receivers open old archives."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from archiving.errors import Trouble
from archiving.selectors import one_job
from archiving.services.rewrapping import rewrap
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor

FAILED, USAGE = 1, 2


class Command(BaseCommand):
    help = (
        "Wrap the keys of archives anew, so that those in archiving.gpg_receivers, and"
        " nobody else, can open them. The archives themselves are not touched. Needs a"
        " secret key that opens the old ones in archiving.gnupg_home. Who was able to"
        " open an archive and kept its old key file still is. Exit codes: 0 done; 1 not"
        " all could be done; 2 the command line is wrong, or there is no such archive."
    )
    # The work itself tells what is wrong for it; a disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "runs", nargs="*", metavar="RUN", help="a name, sequencer/run, or path"
        )
        parser.add_argument(
            "--all", action="store_true", help="all archives of this host"
        )
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(
        self, *args: Any, runs: list[str], dry_run: bool, **options: Any
    ) -> None:
        if options["all"] == bool(runs):
            raise CommandError("name runs, or say --all", returncode=USAGE)
        try:
            jobs = [one_job(word).pk for word in runs] if runs else None
        except DomainError as error:
            raise CommandError(error.message, returncode=USAGE) from None
        try:
            report = rewrap(jobs, actor=shell_actor(), dry_run=dry_run)
        except Trouble as trouble:
            message = f"{trouble.message}. {trouble.next_step}".strip()
            raise CommandError(message, returncode=FAILED) from None
        would = "would be " if dry_run else ""
        for name in report.rewrapped:
            self.stdout.write(f"{name}: {would}wrapped anew")
        for name, why in report.failed.items():
            self.stderr.write(f"{name}: {why}")
        self.stdout.write(
            f"{len(report.rewrapped):,} {would}wrapped anew, {len(report.unchanged):,}"
            f" were so already, {len(report.failed):,} failed"
        )
        if report.failed:
            raise CommandError("not all could be wrapped anew", returncode=FAILED)
