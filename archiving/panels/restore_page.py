"""What the page of a restore shows."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from archiving.choices import RestoreState
from archiving.models import Restore
from archiving.panels.chips import restore_chip
from archiving.panels.links import archive_link
from runfolders.panels.run_page import timeline
from seqhub.lib.panels import Panel
from seqhub.operations.models import Event

FILES_SHOWN = 200


def restore_panels(row: Restore, query: QueryDict) -> list[Panel]:
    panels = [
        Panel(
            "facts",
            "Restore",
            "runfolders/panels/facts.html",
            {"facts": facts(row)},
        ),
        timeline(_events(row), query),
    ]
    if row.files:
        panels.insert(
            1,
            Panel(
                "chosen",
                "Chosen files",
                "archiving/panels/chosen.html",
                {
                    "files": row.files[:FILES_SHOWN],
                    "more": max(len(row.files) - FILES_SHOWN, 0),
                },
                count=len(row.files),
            ),
        )
    return panels


def _events(row: Restore) -> QuerySet[Event]:
    """The part of the archive's history that is about this restore."""
    return Event.objects.filter(subject=row.job.subject, data__restore=row.pk)


def facts(row: Restore) -> list[tuple[str, Any, str]]:
    """Label, value and kind of each fact, for the list of facts."""
    place = str(PurePosixPath(row.target) / row.job.run_name)
    is_there = row.state == RestoreState.AVAILABLE
    rows: list[tuple[str, Any, str]] = [
        ("State", restore_chip(row), "chip"),
        ("Archive", (row.job.name, archive_link(row.job)), "link"),
        ("Restored to" if is_there else "Restores to", place, "path"),
        ("Host", row.host, "text"),
        ("What", "" if row.files else "the whole run", "text"),
        ("Files checked", _count(row.files_checked), "text"),
        ("Asked for", row.requested_at, "time"),
        ("By", row.requested_by, "text"),
        ("Why", row.reason, "text"),
        ("Began", row.started_at, "time"),
        ("Ended", row.ended_at, "time"),
        ("Is removed", row.expires_at if is_there else None, "time"),
        ("Problem", row.message, "text"),
        ("What to do", row.next_step, "text"),
    ]
    return [fact for fact in rows if fact[1] not in (None, "")]


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
