"""Ringing the queues. The row is the truth, the queue is a doorbell."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

# By then the ticks have rung afresh for whatever is due.
UNANSWERED = dt.timedelta(minutes=5)


def ring(function: str, *arguments: str | int, queue: str) -> None:
    """Ask `queue` (lib.queues) to run `function` (dotted path) soon.

    Joins the caller's transaction, and may be lost or doubled without harm
    because the rows say what is due.
    """
    async_task(function, *arguments, q_options={"cluster": queue})


def drop_unanswered(queue: str) -> int:
    """Forget what was rung long ago and nobody has taken up; answers how many.

    To be called for a queue whose workers may be busy for hours, when the same
    things are rung for every few minutes.
    """
    rows = OrmQ.objects.filter(key=queue, lock__lt=timezone.now() - UNANSWERED)
    return int(rows.delete()[0])
