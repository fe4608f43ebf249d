from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from seqhub.supervisor.errors import Refused
from seqhub.supervisor.up import run_up


class Command(BaseCommand):
    help = (
        "Run SeqHub: database, web server and task queues in one foreground process."
        " Flags: --host, --port, --data-dir, --config, --log-level."
        " SIGTERM or Ctrl-C finishes what runs and stops; a second one, at least a"
        " second later, cancels what runs."
        " Exit codes: 0 stopped as asked; 2 the configuration is wrong; 3 it is"
        " already up on this data directory; 4 the port is in use; 5 the data"
        " directory can't be written or its disk is full; 6 the database is of a"
        " newer SeqHub; 7 the database can't be reached or started."
    )
    # `up` migrates first, and a check that fails must not stop the trace.
    requires_system_checks = ()
    requires_migrations_checks = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            run_up(settings.CONFIG)
        except Refused as refusal:
            print(f"seqhub up: {refusal}", file=sys.stderr)
            sys.exit(refusal.exit_code)
