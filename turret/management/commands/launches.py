"""`manage.py launches`: how launches stand."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.utils import timezone

from seqhub.operations.management.documented import DocumentedCommand
from turret.choices import ENDED_LAUNCH
from turret.models import Launch
from turret.selectors import listed_launches
from turret.services.launching.watching import EVERY_S, LOOKS, Watch

MOST_ENDED = 20


class Command(DocumentedCommand):
    """List the launches that wait or run, or all of the latest with --all.

    --reconcile first looks at those of this host as `up` does: it starts what is due,
    and finds out what has become of the others.
    """

    # A disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="also what has ended")
        parser.add_argument("--reconcile", action="store_true", help="look first")

    def handle(self, *args: Any, reconcile: bool, **options: Any) -> None:
        if reconcile:
            watch = Watch(settings.CONFIG.host)
            # The first one that misses a process does not call it lost yet.
            for number in range(LOOKS):
                time.sleep(EVERY_S if number else 0)
                watch.look()
        rows = listed_launches()
        if not options["all"]:
            rows = rows.exclude(state__in=ENDED_LAUNCH)
        self.stdout.write("ID\tSTATE\tSINCE\tHOST\tPIPELINE\tNAME\tMESSAGE\tWHAT TO DO")
        for launch in rows[:MOST_ENDED] if options["all"] else rows:
            self.stdout.write("\t".join(_columns(launch)))


def _columns(launch: Launch) -> tuple[str, ...]:
    since = timezone.localtime(launch.state_since)
    return (
        launch.launch_id,
        launch.state,
        since.strftime("%Y-%m-%d %H:%M %Z"),
        launch.host,
        launch.source,
        launch.run_name,
        launch.message,
        launch.next_step,
    )
