"""Roots: the directories that are watched."""

from __future__ import annotations

import datetime as dt
import os

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from runfolders.choices import RootStatus
from runfolders.engine.walk import covers, is_below
from runfolders.errors import NotMonitored
from runfolders.models import Root
from seqhub.operations.services.attention import close_attention, open_attention
from seqhub.operations.services.events import SCANNER, record_event

MISSING = "root_missing"


@transaction.atomic
def sync_roots(host: str, now: dt.datetime) -> list[Root]:
    """Make the rows of `host` those of the configuration; the configured ones, in
    the order in which to scan them.

    A root that is no longer configured keeps its row and its run folders, hidden.
    """
    wanted = {
        str(root.path): root.depth
        for root in settings.CONFIG.runfolders.monitored_directories
    }
    rows = {row.path: row for row in Root.objects.filter(host=host)}
    for path, depth in wanted.items():
        row = rows.get(path)
        if row is None:
            Root.objects.get_or_create(
                host=host, path=path, defaults={"depth": depth, "status_since": now}
            )
        elif not row.is_configured or row.depth != depth:
            row.is_configured, row.depth = True, depth
            row.save(update_fields=["is_configured", "depth"])
    for path, row in rows.items():
        if path not in wanted and row.is_configured:
            row.is_configured = False
            row.save(update_fields=["is_configured"])
            close_attention(subject_of(row))
    # The slow ones last: they have what time the others leave.
    slow_last = F("scan_duration_s").asc(nulls_last=True)
    return list(_configured(host).order_by(slow_last, "path"))


def root_of(host: str, path: str, *, now: dt.datetime) -> Root:
    """The root of which `path` (absolute) lies where run folders do.

    Raises NotMonitored: for a relative path, one that is written with `.` or
    `..`, and one that is no root's, too deep below it, ignored, or a root itself.
    """
    if path.startswith("/") and "\0" not in path and os.path.normpath(path) == path:
        roots = list(_configured(host)) or sync_roots(host, now)
        # A root inside another has what lies in it to itself.
        around = [
            root for root in roots if path == root.path or is_below(path, root.path)
        ]
        root = max(around, key=lambda root: len(root.path), default=None)
        ignored = settings.CONFIG.runfolders.ignored_names
        if root is not None and covers(root.path, root.depth, ignored, path):
            return root
    raise NotMonitored(
        f"{path[:200]!r} is not where {host} looks for run folders: it lies below no "
        "monitored directory, too deep in one, or is ignored."
    )


def subject_of(root: Root) -> str:
    """How events and attention name a root."""
    return f"root:{root.pk}"


@transaction.atomic
def mark_available(root: Root, *, now: dt.datetime) -> None:
    if root.status == RootStatus.AVAILABLE:
        return
    _set_status(root, RootStatus.AVAILABLE, "", now)
    close_attention(subject_of(root), MISSING)
    message = f"{root.path} is available again."
    record_event(subject_of(root), "root_available", message, actor=SCANNER)


@transaction.atomic
def mark_missing(root: Root, reason: str, *, now: dt.datetime) -> None:
    """It can't be looked at; its run folders stay as they are."""
    if root.status == RootStatus.MISSING and root.message == reason:
        return
    is_new = root.status != RootStatus.MISSING
    _set_status(root, RootStatus.MISSING, reason, now if is_new else root.status_since)
    open_attention(
        subject_of(root),
        MISSING,
        f"{root.path} can't be watched: {reason}.",
        next_step="Mount it or mend its permissions, or take it out of "
        "runfolders.monitored_directories. Its runs stay known meanwhile.",
    )
    if is_new:
        message = f"{root.path} can't be watched: {reason}."
        record_event(subject_of(root), "root_missing", message, actor=SCANNER)


def _set_status(
    root: Root, status: RootStatus, message: str, since: dt.datetime
) -> None:
    root.status, root.message, root.status_since = status, message, since
    root.save(update_fields=["status", "message", "status_since"])


def _configured(host: str) -> QuerySet[Root]:
    return Root.objects.filter(host=host, is_configured=True)
