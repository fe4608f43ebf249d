"""`manage.py cancel`: stop launches from the shell."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand
from turret.choices import ENDED_LAUNCH
from turret.selectors import find_launch
from turret.services.launching.cancelling import cancel

REFUSED = 1


class Command(DocumentedCommand):
    """Stop launches. One that waits is cancelled at once; the others are stopped by
    their host within seconds, while `up` runs there or by `launches --reconcile`.

    Exit codes: 0 all are cancelled, or will be; 1 one had ended, or is not known.
    """

    # A disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("launches", nargs="+", metavar="ID")
        parser.add_argument("--reason", default="", help="for the history")

    def handle(
        self, *args: Any, launches: list[str], reason: str, **options: Any
    ) -> None:
        refused = False
        for launch_id in launches:
            try:
                pk = find_launch(launch_id).pk
                launch = cancel(pk, actor=shell_actor(), reason=reason)
            except DomainError as error:
                refused = True
                self.stderr.write(error.message)
                continue
            has_ended = launch.state in ENDED_LAUNCH
            word = "cancelled" if has_ended else "to be cancelled"
            self.stdout.write(f"{launch_id}\t{word}")
        if refused:
            sys.exit(REFUSED)
