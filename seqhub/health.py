"""`/healthz` and `/readyz`: for process supervisors and load balancers.

Neither needs a token, so neither tells more than states, counts and ages.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from runfolders.choices import RootStatus
from runfolders.models import Root
from seqhub.operations.models import Heartbeat
from seqhub.operations.panels import CLUSTER

TIMEOUT_S = 3.0

# A look at a database that hangs keeps its thread; the others still answer.
_pool = ThreadPoolExecutor(2, thread_name_prefix="readiness")


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process lives and answers; nothing else is looked at."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 if the database is reachable and migrated, 503 otherwise.

    A late scanner, a missing disk or cluster is only told: none of them may
    take the trace out of a balancer. Answers within TIMEOUT_S.
    """
    future: Future[dict[str, Any]] = _pool.submit(_look)
    if not wait([future], timeout=TIMEOUT_S).done:
        future.cancel()
        problem = f"The database did not answer within {TIMEOUT_S:.0f} s."
        report: dict[str, Any] = {"database": {"ok": False, "problem": problem}}
    else:
        report = future.result()
    is_ready = report["database"]["ok"]
    body = {"status": "ready" if is_ready else "unavailable", **report}
    return JsonResponse(body, status=200 if is_ready else 503)


def _look() -> dict[str, Any]:
    try:
        if missing := _unapplied_migrations():
            problem = f"{len(missing)} migrations are not applied yet."
            return {"database": {"ok": False, "problem": problem}}
        return {
            "database": {"ok": True},
            "scanner": _scanner(),
            "clusters": _clusters(),
            "disks": _disks(),
        }
    except DatabaseError as error:
        # Its text may name the address and the user.
        problem = type(error).__name__
        return {"database": {"ok": False, "problem": problem}}
    finally:
        connection.close()


def _unapplied_migrations() -> set[tuple[str, str]]:
    return (
        _migrations_on_disk()
        - MigrationRecorder(connection).applied_migrations().keys()
    )


@cache
def _migrations_on_disk() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations or ())


def _scanner() -> list[dict[str, Any]]:
    """Seconds since the oldest of each host's roots was last scanned."""
    now = timezone.now()
    roots = Root.objects.filter(is_configured=True, status=RootStatus.AVAILABLE)
    rows = roots.values("host").annotate(scanned_at=Min("scanned_at"))
    return [
        {"host": row["host"], "age_s": age_s(row["scanned_at"], now)}
        for row in rows.order_by("host")
    ]


def _clusters() -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {"host": beat.host, "role": beat.role, "age_s": age_s(beat.at, now)}
        for beat in Heartbeat.objects.filter(role__startswith=CLUSTER)
    ]


def _disks() -> dict[str, int]:
    """How many roots are available, and how many missing."""
    roots = Root.objects.filter(is_configured=True).values_list("status")
    counts = dict(roots.annotate(n=Count("pk")).order_by())
    return {status: counts.get(status, 0) for status in RootStatus.values}


def age_s(at: dt.datetime | None, now: dt.datetime) -> float | None:
    """None: never."""
    return round((now - at).total_seconds(), 1) if at else None
