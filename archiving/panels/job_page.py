"""What the page of an archive shows."""

from __future__ import annotations

import shlex
from typing import Any

from django.core.paginator import Paginator
from django.http import QueryDict
from django.urls import reverse

from archiving.choices import Origin
from archiving.models import ArchiveJob
from archiving.panels.chips import (
    check_chip,
    copy_chip,
    key_chip,
    outcome_chip,
    restore_chip,
    secret_chip,
    verified_chip,
)
from archiving.panels.files import files_panels
from archiving.panels.links import chosen, restore_link
from archiving.panels.progress import bar_of
from archiving.panels.reads import last_read_at
from runfolders.panels.run_page import timeline
from seqhub.lib.panels import Panel, Tab
from seqhub.lib.units import counted
from seqhub.operations.models import Event

ROWS_PER_PAGE = 25


def tabs(job: ArchiveJob) -> list[Tab]:
    counts = [
        job.attempts.count(),
        job.verifications.count(),
        job.copies.count(),
        job.restores.count(),
    ]
    return [
        Tab("overview", "Overview", lambda _query: overview(job)),
        Tab("attempts", "Attempts", lambda q: [attempts_panel(job, q)], counts[0]),
        Tab("files", "Files", lambda q: files_panels(job, q), job.source_files),
        Tab(
            "verifications",
            "Verifications",
            lambda q: [verifications_panel(job, q)],
            counts[1],
        ),
        Tab("copies", "Copies", lambda _query: [copies_panel(job)], counts[2]),
        Tab("restores", "Restores", lambda q: [restores_panel(job, q)], counts[3]),
        Tab("timeline", "Timeline", lambda q: [timeline_panel(job, q)]),
    ]


def overview(job: ArchiveJob) -> list[Panel]:
    panels = [
        Panel(
            "facts",
            "Archive",
            "runfolders/panels/facts.html",
            {"facts": facts(job)},
        ),
        keys_panel(job),
    ]
    if job.sealed_at:
        panels.append(
            Panel(
                "by-hand",
                "Open it by hand",
                "archiving/panels/by_hand.html",
                {"commands": commands(job), "is_here": job.is_here},
            )
        )
    return panels


def facts(job: ArchiveJob) -> list[tuple[str, Any, str]]:
    """Label, value and kind of each fact, for the list of facts."""
    run = None
    if job.runfolder_id:
        page = reverse("admin:runfolders_runfolder_change", args=[job.runfolder_id])
        run = (job.run_name, page)
    sealed = bool(job.sealed_at)
    read_at = last_read_at(job)
    rows: list[tuple[str, Any, str]] = [
        ("Run", run or job.run_name, "link" if run else "code"),
        ("Sequencer", job.sequencer, "text"),
        ("Run folder", job.path, "path"),
        ("Verification", verified_chip(job, read_at) if sealed else None, "chip"),
        ("Last read", read_at, "time"),
        ("Sealed", job.sealed_at, "time"),
        ("Registered", job.created_at, "time"),
        ("Size of the run", job.source_bytes, "bytes"),
        ("Files", _count(job.source_files), "text"),
        ("Left out", _left_out(job), "link"),
        ("Size of the archive", job.archive_bytes, "bytes"),
        ("Archive" if sealed else "Will become", str(job.archive_path), "path"),
        ("Key", str(job.key_path) if sealed else "", "path"),
        ("Manifest", _manifest(job), "path"),
        ("SHA-256 of the archive", job.archive_sha256, "path"),
        ("SHA-256 of the key", job.key_sha256, "path"),
        ("SHA-256 of the manifest", job.manifest_sha256, "path"),
        ("Made by", _maker(job), "text"),
        ("Host", job.host, "text"),
    ]
    return [row for row in rows if row[1] not in (None, "", [])]


def _manifest(job: ArchiveJob) -> str:
    return str(job.sealed_manifest_path) if job.manifest_sha256 else ""


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _left_out(job: ArchiveJob) -> tuple[str, str] | None:
    if not job.left_out_files:
        return None
    files = counted(job.left_out_files, "file")
    return f"{files}, listed in the manifest", "?tab=files"


def _maker(job: ArchiveJob) -> str:
    return "dataflow_archive" if job.origin == Origin.ADOPTED else ""


def commands(job: ArchiveJob) -> list[str]:
    """What opens the archive with stock gpg and tar, where the secret key is."""
    key = shlex.quote(str(job.key_path))
    archive = shlex.quote(str(job.archive_path))
    decrypt = "gpg --batch --pinentry-mode loopback --passphrase-file run.key --decrypt"
    return [
        f"(umask 077; gpg --output run.key --decrypt {key})",
        f"{decrypt} {archive} | tar --extract",
    ]


def keys_panel(job: ArchiveJob) -> Panel:
    """Who can open the archive."""
    found = list(job.recipients.all())
    return Panel(
        "keys",
        "Who can open it",
        "archiving/panels/job_keys.html",
        {
            "job": job,
            "keys": [(key, key_chip(key), secret_chip(key)) for key in found],
        },
        count=len(found) or None,
        link=reverse("admin:archiving_recipient_changelist"),
    )


def attempts_panel(job: ArchiveJob, query: QueryDict) -> Panel:
    page = Paginator(job.attempts.all(), ROWS_PER_PAGE).get_page(query.get("page"))
    lines = [
        {
            "attempt": attempt,
            "chip": outcome_chip(attempt),
            "took_s": _took_s(attempt.started_at, attempt.ended_at),
        }
        for attempt in page
    ]
    return Panel(
        "attempts",
        "Attempts",
        "archiving/panels/attempts.html",
        {"job": job, "lines": lines, "page": page},
        count=page.paginator.count,
    )


def verifications_panel(job: ArchiveJob, query: QueryDict) -> Panel:
    page = Paginator(job.verifications.all(), ROWS_PER_PAGE).get_page(query.get("page"))
    lines = [
        {
            "row": row,
            "chip": check_chip(row),
            "took_s": _took_s(row.started_at, row.ended_at),
            "bar": bar_of(row) if row.state == "running" else None,
            "findings": [_finding(finding) for finding in row.findings],
            "more": max(row.findings_count - len(row.findings), 0),
        }
        for row in page
    ]
    return Panel(
        "verifications",
        "Verifications",
        "archiving/panels/verifications.html",
        {"job": job, "lines": lines, "page": page},
        count=page.paginator.count,
    )


def _finding(finding: dict[str, str]) -> tuple[str, str]:
    """What is wrong, and with which file: whose name opens the sentence."""
    name = finding["name"]
    return finding["message"].removeprefix(f"{name} "), name


def copies_panel(job: ArchiveJob) -> Panel:
    found = [(copy, copy_chip(copy)) for copy in job.copies.all()]
    return Panel(
        "copies",
        "Copies",
        "archiving/panels/copies.html",
        {"lines": found},
        count=len(found),
    )


def restores_panel(job: ArchiveJob, query: QueryDict) -> Panel:
    page = Paginator(job.restores.all(), ROWS_PER_PAGE).get_page(query.get("page"))
    lines = [
        {
            "row": row,
            "chip": restore_chip(row),
            "link": restore_link(row),
            "what": chosen(row),
            "bar": bar_of(row) if row.state == "running" else None,
        }
        for row in page
    ]
    is_live = any(row.state in ("requested", "running") for row in page)
    return Panel(
        "restores",
        "Restores",
        "archiving/panels/restores.html",
        {"job": job, "lines": lines, "page": page, "is_live": is_live},
        count=page.paginator.count,
    )


def timeline_panel(job: ArchiveJob, query: QueryDict) -> Panel:
    return timeline(Event.objects.filter(subject=job.subject), query)


def _took_s(start: Any, end: Any) -> float | None:
    return (end - start).total_seconds() if start and end else None
