"""Keeping django-q2's own tables small; the truth is in ours."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django_q.models import Failure, OrmQ

FAILURES_KEPT_DAYS = 14
# No doorbell is worth anything after so long; its host is gone.
MESSAGES_KEPT_DAYS = 31


def purge_queue_tables() -> int:
    """Delete old failures and doorbells that nobody answered; how many."""
    now = timezone.now()
    failures = Failure.objects.filter(
        stopped__lt=now - dt.timedelta(days=FAILURES_KEPT_DAYS)
    )
    # A waiting message's `lock` is when it was sent or last handed out.
    messages = OrmQ.objects.filter(lock__lt=now - dt.timedelta(days=MESSAGES_KEPT_DAYS))
    return int(failures.delete()[0] + messages.delete()[0])
