"""Addresses of the archive's pages, and the panels' common words."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from archiving.models import ArchiveJob, Restore


def archives_link(**filters: object) -> str:
    """The list of archives, narrowed down by the list's own query parameters."""
    link = reverse("admin:archiving_archivejob_changelist")
    return f"{link}?{urlencode(filters)}" if filters else link


def archive_link(job: ArchiveJob | int, tab: str = "") -> str:
    key = job if isinstance(job, int) else job.pk
    link = reverse("admin:archiving_archivejob_change", args=[key])
    return f"{link}?tab={tab}" if tab else link


def chosen(row: Restore) -> str:
    """What a restore brings back."""
    if not row.files:
        return "the whole run"
    if len(row.files) == 1:
        return str(row.files[0])
    return f"{len(row.files):,} chosen"


def restore_link(row: Restore) -> str:
    return reverse("admin:archiving_restore_change", args=[row.pk])
