"""Ringing the queues. The row is the truth, the queue is a doorbell."""

from __future__ import annotations

from django_q.tasks import async_task


def ring(function: str, *arguments: str | int, queue: str) -> None:
    """Ask `queue` (lib.queues) to run `function` (dotted path) soon.

    Joins the caller's transaction, and may be lost or doubled without harm
    because the rows say what is due.
    """
    async_task(function, *arguments, q_options={"cluster": queue})
