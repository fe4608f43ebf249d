"""Workflows that are not heard of any more: stalled first, then unknown.

The next call of a workflow's client brings it back (services.tracing).
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from seqhub.operations.models import Heartbeat
from seqhub.operations.services.events import SYSTEM
from seqhub.operations.services.heartbeats import beat
from turret.choices import ENDED_LAUNCH, Status
from turret.models import Launch, Workflow
from turret.selectors import HEAVY
from turret.services import attention
from turret.services.history import record
from turret.services.policy import current_policy

# The watch's own heartbeat; it is any host's.
ROLE = "watch over workflows"
# Ticks come every minute. After a longer gap nobody was listening either.
GAP = dt.timedelta(minutes=3)


def watch() -> None:
    """Say of each workflow under way whether it is silent. May be repeated."""
    now = timezone.now()
    since = _watching_since(now)
    policy = current_policy()
    submitted = Workflow.objects.filter(status=Status.SUBMITTED)
    running = Workflow.objects.filter(status=Status.RUNNING)
    awake = running.filter(stalled_at=None)
    # Clients are given the whole time again after an outage of ours.
    for rows, after, change in (
        (_unwatched(submitted), policy.never_began_after, _give_up_unbegun),
        (_unwatched(running), policy.unknown_after, _give_up_running),
        (awake, policy.stalled_after, _mark_stalled),
    ):
        due = now - after
        if since > due:
            continue
        for pk in _silent(rows, due):
            with transaction.atomic():
                # It may be heard of at this moment: then it is not silent.
                locked = rows.select_for_update(of=("self",), skip_locked=True)
                row = _silent_row(locked, pk, due)
                if row is not None:
                    change(row, now)


def _watching_since(now: dt.datetime) -> dt.datetime:
    """When the watch began that goes on since without a gap."""
    since = now
    last = Heartbeat.objects.filter(host="", role=ROLE).first()
    if last is not None and now - last.at < GAP:
        since = dt.datetime.fromisoformat(last.data["since"])
    beat("", ROLE, {"since": since.isoformat()})
    return since


def _unwatched(rows: QuerySet[Workflow]) -> QuerySet[Workflow]:
    """But those whose launch waits, or whose process is looked at: how they stand is
    known."""
    launches = Launch.objects.filter(workflow=OuterRef("pk"))
    return rows.exclude(Exists(launches.exclude(state__in=ENDED_LAUNCH)))


def _silent(rows: QuerySet[Workflow], due: dt.datetime) -> list[int]:
    silent = rows.filter(last_seen_at__lte=due).order_by("pk")
    return list(silent.values_list("pk", flat=True))


def _silent_row(rows: QuerySet[Workflow], pk: int, due: dt.datetime) -> Workflow | None:
    found = rows.filter(pk=pk, last_seen_at__lte=due)
    return found.select_related("runfolder").defer(*HEAVY).first()


def _mark_stalled(row: Workflow, now: dt.datetime) -> None:
    row.stalled_at = now
    row.save(update_fields=["stalled_at"])
    attention.open_silence(row)
    message = "Nothing was heard of it for a while: it is stalled."
    record(row, "stalled", message, actor=SYSTEM)


def _give_up_running(row: Workflow, now: dt.datetime) -> None:
    _give_up(row, now, "Nothing was heard of it for long: it is unknown.")


def _give_up_unbegun(row: Workflow, now: dt.datetime) -> None:
    _give_up(row, now, "It never began: it is unknown.")


def _give_up(row: Workflow, now: dt.datetime, message: str) -> None:
    before = row.status
    row.status = Status.UNKNOWN
    row.status_since = now
    row.stalled_at = None
    row.save(update_fields=["status", "status_since", "stalled_at"])
    attention.open_silence(row)
    data = {"from": before, "to": Status.UNKNOWN.value}
    record(row, "unknown", message, actor=SYSTEM, data=data)
