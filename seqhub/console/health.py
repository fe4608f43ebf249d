"""Is everything up? One line for the dashboard, one page for the sysadmin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule

from runfolders.panels.dashboard import RootLine, root_lines
from runfolders.services.scan import ROLE as SCANNER
from seqhub.operations.panels import CLUSTER, Sign, signs_of_life

FAILURES_SHOWN = 20
# seqhub.schedules, for people.
SCHEDULES = {
    "beat-default": "Sign of life of the common queue",
    "beat-local": "Sign of life of the local queue",
    "beat-long": "Sign of life of the long queue",
    "check-keys": "Check the recipients' keys",
    "drill": "Try a restore, once a day",
    "launches": "Start what waits, and watch what runs",
    "prune": "Drop details of old workflows",
    "purge": "Tidy up the queues",
    "repositories": "Drop pipelines' repositories that nobody reads",
    "scan": "Look for runs and what changed",
    "sizes": "Measure complete runs",
    "tend": "Look what archives need",
    "tidy-launches": "Measure and clear work directories",
    "watch": "Look for silent workflows",
    "work": "Seal, verify and restore",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One word of the health line."""

    label: str
    words: str
    is_fine: bool
    at: Any = None  # when it was last heard of


def health_line(signs: Sequence[Sign], roots: Sequence[RootLine]) -> list[Item]:
    """Scanner, clusters, PostgreSQL, roots: one item each."""
    items = []
    scanners = [sign for sign in signs if sign.role == SCANNER]
    if scanners:
        oldest = min(scanners, key=lambda sign: sign.beat.at)
        items.append(Item("scanner", "", not oldest.is_late, oldest.beat.at))
    else:
        items.append(Item("scanner", "not heard of yet", is_fine=False))
    clusters = [sign for sign in signs if sign.beat.role.startswith(CLUSTER)]
    up = sum(not sign.is_late for sign in clusters)
    items.append(
        Item(
            "clusters",
            f"{up} of {len(clusters)} up" if clusters else "none heard of yet",
            bool(clusters) and up == len(clusters),
        )
    )
    # This page was rendered from it.
    items.append(Item("PostgreSQL", "ok", is_fine=True))
    if missing := sum(root.is_missing for root in roots):
        items.append(Item("directories", f"{missing} missing", is_fine=False))
    return items


def health_page(request: HttpRequest) -> HttpResponse:
    """Heartbeats, disks, database, queues and schedules; read-only."""
    if not request.user.has_perm("operations.view_heartbeat"):
        raise PermissionDenied
    signs, roots = signs_of_life(), root_lines()
    context = {
        **admin.site.each_context(request),
        "title": "Health",
        "items": health_line(signs, roots),
        "signs": signs,
        "storage": {"lines": roots},
        "database": _database(),
        "queues": _queues(),
        "schedules": _schedules(),
        "failures": _failures(),
        "version": settings.VERSION,
        "config_file": settings.CONFIG.file,
        "data_dir": settings.CONFIG.data_dir,
        "is_tryout": settings.CONFIG.is_tryout,
    }
    return TemplateResponse(request, "console/health.html", context)


def _database() -> dict[str, Any]:
    """Server version, size in bytes, connections; embedded or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), "
            "pg_database_size(current_database()), "
            "(SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database()), "
            "current_setting('max_connections')"
        )
        version, size, connections, most = cursor.fetchone()
    return {
        "version": version,
        "size_bytes": size,
        "connections": connections,
        "most": most,
        "is_embedded": not settings.CONFIG.database.url,
    }


def _queues() -> list[dict[str, Any]]:
    """Doorbells a queue. django-q2 locks a message that it has handed out until
    some time to come, and one that waits since it was sent."""
    waits = Q(lock__lte=timezone.now())
    rows = OrmQ.objects.values("key").annotate(
        running=Count("pk", filter=~waits),
        waiting=Count("pk", filter=waits),
        oldest=Min("lock", filter=waits),
    )
    return list(rows.order_by("key"))


def _schedules() -> list[dict[str, Any]]:
    """What runs by itself, in words; `host` is empty for what needs none."""
    rows = []
    for row in Schedule.objects.order_by("name"):
        name, _, host = str(row.name).partition("@")
        every_s = (row.minutes or 1) * 60
        what = SCHEDULES.get(name, name)
        rows.append(
            {"what": what, "host": host, "every_s": every_s, "next_at": row.next_run}
        )
    return rows


def _failures() -> list[dict[str, Any]]:
    """The last tasks that ended with an error: the error's last line only."""
    rows = Failure.objects.order_by("-stopped").values("func", "stopped", "result")
    return [
        {
            "func": row["func"],
            "at": row["stopped"],
            "error": _last_line(row["result"]),
        }
        for row in rows[:FAILURES_SHOWN]
    ]


def _last_line(result: object) -> str:
    """Of a traceback, what went wrong; the rest is in the log."""
    lines = str(result or "").strip().splitlines()
    return lines[-1][:300] if lines else "no message"
