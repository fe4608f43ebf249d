"""Telling a host's long queue that there is something to do."""

from __future__ import annotations

from seqhub.lib import queues
from seqhub.operations.services.doorbell import ring


def ring_for_work(host: str) -> None:
    """Have what is due on `host` sealed, read and restored soon."""
    ring("archiving.tasks.work", host, queue=queues.long(host))
