"""django-q2's way in."""

from __future__ import annotations

from django.conf import settings

from seqhub.operations.services.heartbeats import beat as record_beat
from seqhub.operations.services.purging import purge_queue_tables


def beat(host: str, queue: str) -> None:
    """`queue` answers: its cluster lives. No host: the one that runs this."""
    record_beat(host or settings.CONFIG.host, f"cluster:{queue}")


def purge() -> None:
    purge_queue_tables()
