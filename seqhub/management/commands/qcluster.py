from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django_q.conf import Conf

from seqhub.lib import queues
from seqhub.schedules import ring_all, sync_schedules
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
        host = settings.CONFIG.host
        local = queues.local(host)
        own = (local, queues.long(host))
        if Conf.CLUSTER_NAME.startswith(("local-", "long-")) and (
            Conf.CLUSTER_NAME not in own
        ):
            raise CommandError(
                f"Q_CLUSTER_NAME: {Conf.CLUSTER_NAME} is a queue of another host than"
                f" {host}, as which this one is configured.",
                returncode=2,
            )
        # Of a cluster that stands alone `up` has not seen to the schedules.
        if not settings.ROLE and local == Conf.CLUSTER_NAME:
            sync_schedules(host, queue=local)
            ring_all(host, queue=local)
            connection.close()
        sys.exit(run_cluster())
