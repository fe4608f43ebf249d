from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from seqhub.supervisor.cluster import run_cluster


class Command(BaseCommand):
    help = (
        "Run the django-q2 cluster of the queue that Q_CLUSTER_NAME names"
        " (default, local-<host> or long-<host>). `up` runs all three. SIGTERM or"
        " Ctrl-C finishes what runs; a second one, at least a second later, cancels it."
    )
    # They load every door, which each cluster would keep in memory.
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        sys.exit(run_cluster())
