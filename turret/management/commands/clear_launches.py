"""`manage.py clear_launches`: remove work directories of launches that have ended."""

from __future__ import annotations

import datetime as dt
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from seqhub.lib.units import format_bytes
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand
from turret.models import Launch
from turret.selectors import find_launch
from turret.services.launching.clearing import clear, clear_one, verdicts
from turret.services.launching.rooms import Lineage, Policy, Verdict, current_policy
from turret.services.launching.tidying import settle, time_for_work

FAILED, USAGE = 1, 2


class Command(DocumentedCommand):
    """Remove the work directories of launches of this host that have ended, with what
    Nextflow has cached: they can't be resumed then. Logs, trace, parameters and
    configuration stay, and so does the launch directory unless
    turret.launcher.clear_launch_dirs is set.

    Without ID those go whose time has come by turret.launcher.clear_after_days and
    clear_resumable_after_days. --dry-run lists all that were not cleared yet, with
    what would become of them and why, and changes nothing.

    A launch is cleared together with those that were resumed from it; never while one
    of them is under way, and never what SeqHub has not made itself.

    Exit codes: 0 all is done; 1 something could not be cleared; 2 the command line is
    wrong.
    """

    # A disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("launches", nargs="*", metavar="ID", help="clear these now")
        parser.add_argument(
            "--days",
            type=float,
            metavar="N",
            help="those that succeeded and ended N days ago, whatever is configured",
        )
        parser.add_argument(
            "--resumable",
            action="store_true",
            help="with --days: also failed, cancelled and lost ones",
        )
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        ids, days, is_dry = options["launches"], options["days"], options["dry_run"]
        if ids and (days is not None or is_dry):
            words = "--days and --dry-run are for all launches: leave out the ID"
            raise CommandError(words, returncode=USAGE)
        if days is not None and not 0 <= days <= 36_500:
            raise CommandError("--days is a number from 0", returncode=USAGE)
        if options["resumable"] and days is None:
            raise CommandError("--resumable goes with --days", returncode=USAGE)
        if ids:
            done = [self._clear(launch_id) for launch_id in ids]
        else:
            policy = _policy(days, with_resumable=options["resumable"])
            done = list(self._by_policy(policy, is_dry=is_dry))
        if not all(done):
            sys.exit(FAILED)

    def _clear(self, launch_id: str) -> bool:
        try:
            launch = find_launch(launch_id)
            if launch.host != settings.CONFIG.host:
                self.stderr.write(f"{launch_id}: its directories are on {launch.host}")
                return False
            lineage = clear(launch.pk, actor=shell_actor())
        except DomainError as error:
            self.stderr.write(error.message)
            return False
        return self._remove(lineage)

    def _by_policy(self, policy: Policy, *, is_dry: bool) -> Iterator[bool]:
        self.stdout.write("ID\tPIPELINE\tENDED\tSIZE\tWHAT\tWHY")
        for verdict in verdicts(settings.CONFIG.host, policy):
            is_due = verdict.is_due
            if is_due and not is_dry:
                is_due = clear_one(verdict, policy, actor=shell_actor())
            if is_due or is_dry:
                self.stdout.write("\t".join(_columns(verdict)))
            if is_due and not is_dry:
                yield self._remove(verdict.lineage)

    def _remove(self, lineage: Lineage) -> bool:
        """Whether nothing of it is left to do."""
        rows = [user.pk for user in lineage.users]
        # What is of another host, which may have other disks, it removes itself.
        for user in lineage.users:
            while user.host == settings.CONFIG.host:
                if settle(user.pk, time_for_work()):
                    break
        left = Launch.objects.filter(pk__in=rows, size_bytes=None)
        for launch in left.select_related("workflow"):
            words = "not all could be removed yet; see its page"
            self.stderr.write(f"{launch.launch_id}: {words}")
        return not left


def _policy(days: float | None, *, with_resumable: bool) -> Policy:
    policy = current_policy()
    if days is None:
        return policy
    after = dt.timedelta(days=days)
    return replace(
        policy,
        succeeded_after=after,
        resumable_after=after if with_resumable else None,
    )


def _columns(verdict: Verdict) -> tuple[str, ...]:
    users = verdict.lineage.users
    last = users[-1]
    known = [user.size_bytes for user in users if user.size_bytes is not None]
    ended = timezone.localtime(last.finished_at) if last.finished_at else None
    return (
        verdict.lineage.maker.launch_id,
        last.source,
        f"{ended:%Y-%m-%d %H:%M %Z}" if ended else "",
        format_bytes(sum(known)) if len(known) == len(users) else "not measured",
        "clear" if verdict.is_due else "keep",
        verdict.why,
    )
