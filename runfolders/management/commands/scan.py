"""`manage.py scan`: look at the monitored directories now."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runfolders.services.scan import ScanReport, scan_host


class Command(BaseCommand):
    help = "Look at the monitored directories of this host now, and say what is new."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--root", metavar="PATH", help="only this monitored directory"
        )

    def handle(self, *_args: Any, root: str | None = None, **_options: Any) -> None:
        host = settings.CONFIG.host
        root = os.path.abspath(root) if root else None  # noqa: PTH100 - no links
        report = scan_host(host, progress=self._show, only=root)
        if report is None:
            raise CommandError("another scan of this host is going on; try again soon")
        if not report.roots:
            raise CommandError(
                f"{root} is not a monitored directory of {host}"
                if root
                else "nothing is watched: set runfolders.monitored_directories"
            )
        self._sum_up(report)

    def _show(self, done: int, total: int) -> None:
        if self.stdout.isatty():
            end = "\n" if done == total else ""
            self.stdout.write(f"\r{done} of {total} directories", ending=end)
            self.stdout.flush()

    def _sum_up(self, report: ScanReport) -> None:
        missing = []
        for root in report.roots:
            if root.missing:
                missing.append(root.path)
                self.stderr.write(f"{root.path}: can't be watched: {root.missing}")
                continue
            self.stdout.write(
                f"{root.path}: {root.seen} directories, {root.new} new, "
                f"{root.changed} looked at again, {root.completed} became complete, "
                f"{root.vanished} vanished, {len(root.unreadable)} unreadable"
            )
            for path, reason in sorted(root.unreadable.items()):
                self.stdout.write(f"  {path}: {reason}")
        if missing:
            raise CommandError(
                f"{len(missing)} of {len(report.roots)} can't be watched"
            )
