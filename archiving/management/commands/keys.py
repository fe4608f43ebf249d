"""`manage.py keys`: who can open the archives."""

from __future__ import annotations

import datetime as dt
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from archiving.models import ArchiveJob, Recipient
from archiving.services.keys import check_recipients, test_key
from archiving.services.policy import current_policy
from archiving.services.rewrapping import export_keys
from seqhub.lib.units import counted
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand

FAILED, USAGE, NOTHING = 1, 2, 3


class Command(DocumentedCommand):
    """List whose keys open how many archives, and what is wrong with them.

    --check    look at every receiver's key now: is it there, unexpired, and can
               something be encrypted to it?
    --test     encrypt to each receiver and decrypt again, with the secret keys in
               archiving.gnupg_home
    --export   write the wrapped keys that the database keeps: those of all
               archives into DIR or, without it, those that are missing on this
               host to where they belong. No file is replaced.

    Exit codes: 0 all is well; 1 something is wrong, and was told; 2 the command line
    is wrong; 3 there is no secret key to --test with.
    """

    # The work itself tells what is wrong for it; a disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="look at the keys now")
        what.add_argument("--test", action="store_true", help="use the secret keys")
        what.add_argument(
            "--export",
            nargs="?",
            type=Path,
            const=True,  # every path is a directory that somebody may mean
            metavar="DIR",
            help="write key files",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what --export would write"
        )

    def handle(
        self,
        *args: Any,
        check: bool,
        test: bool,
        export: Path | bool | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        if test:
            code = self._test()
        elif export:
            directory = export.absolute() if isinstance(export, Path) else None
            code = self._export(directory, dry_run=dry_run)
        elif check:
            check_recipients(settings.CONFIG.host)
            code = self._list(Recipient.objects.filter(is_configured=True))
        else:
            if not _is_current():
                check_recipients(settings.CONFIG.host)
            self._list(Recipient.objects.all())
            self._tell_unopenable()
            code = 0
        if code:
            sys.exit(code)

    def _list(self, rows: QuerySet[Recipient]) -> int:
        """1 if no receiver is among them, or one has a problem."""
        receivers = rows.filter(is_configured=True)
        self.stdout.write(
            "FINGERPRINT\tWHO\tRECEIVER\tSTATE\tSECRET KEY\tEXPIRES\tARCHIVES"
        )
        for one in rows.annotate(archives=Count("jobs")):
            columns = (
                one.fingerprint,
                one.user_id or one.identifier or "not known here",
                "yes" if one.is_configured else "no",
                _state(one),
                "here" if one.has_secret_key else "elsewhere",
                _date(one.key_expires_at),
                str(one.archives),
            )
            self.stdout.write("\t".join(columns))
        for row in receivers.exclude(message=""):
            self.stderr.write(f"{row}: {row.message}. {row.next_step}".strip())
        if not receivers.exists():
            self.stderr.write(
                "no receiver is known: set archiving.gpg_receivers, then: seqhub"
                " keys --check"
            )
            return FAILED
        return FAILED if receivers.exclude(problem="").exists() else 0

    def _tell_unopenable(self) -> None:
        """Archives that none of the present receivers can open."""
        receivers = Recipient.objects.filter(is_configured=True)
        sealed = ArchiveJob.objects.filter(sealed_at__isnull=False)
        count = sealed.filter(~Q(recipients__in=receivers)).distinct().count()
        if count:
            self.stderr.write(
                f"{counted(count, 'archive')} can be opened by none of the receivers:"
                " seqhub rewrap --all"
            )

    def _test(self) -> int:
        code = NOTHING
        for row in check_recipients(settings.CONFIG.host):
            if not row.has_secret_key:
                self.stderr.write(f"{row}: no secret key that can be used is here")
                continue
            try:
                self.stdout.write(test_key(row.pk, actor=shell_actor()))
            except DomainError as error:
                self.stderr.write(error.message)
                return FAILED
            code = 0
        return code

    def _export(self, directory: Path | None, *, dry_run: bool) -> int:
        report = export_keys(directory, dry_run=dry_run)
        would = "would be " if dry_run else ""
        self.stdout.write(f"{counted(len(report.written), 'key file')} {would}written")
        for path in report.different:
            self.stderr.write(f"{path} stays: the database has another key")
        for path, why in report.failed.items():
            self.stderr.write(f"{path} can't be written: {why}")
        return FAILED if report.different or report.failed else 0


def _is_current() -> bool:
    """Whether the receivers that are configured now are those of the last check."""
    known = Recipient.objects.filter(is_configured=True)
    identifiers = known.values_list("identifier", flat=True)
    return set(identifiers) == set(current_policy().receivers)


def _state(one: Recipient) -> str:
    """What the last check found; only receivers are checked."""
    if not one.is_configured:
        return "-"
    return one.problem.removeprefix("recipient_").replace("_", " ") or "ok"


def _date(at: dt.datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d}" if at else "never"
