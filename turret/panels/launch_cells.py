"""Launches as chips, and the cells of their list that move while somebody looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from seqhub.lib import markup
from seqhub.lib.markup import Chip
from seqhub.lib.units import format_duration
from turret.choices import (
    ENDED_LAUNCH,
    LAUNCH_COLOURS,
    LAUNCH_GLOSSARY,
    LAUNCH_ICONS,
    LaunchState,
)
from turret.engine.masking import mask
from turret.models import Launch
from turret.panels.cells import progress_cell


def launch_chip(launch: Launch) -> Chip:
    """How its process stands; that it is to end is said with it."""
    if launch.cancel_asked_at and launch.state not in ENDED_LAUNCH:
        return Chip(
            "being cancelled",
            "warning",
            "cancel",
            "Somebody wants it to end; Nextflow is being stopped.",
            launch.cancel_asked_at,
        )
    return Chip(
        LaunchState(launch.state).label,
        LAUNCH_COLOURS[launch.state],
        LAUNCH_ICONS[launch.state],
        LAUNCH_GLOSSARY[launch.state],
        launch.state_since,
    )


def took(launch: Launch, now: dt.datetime | None = None) -> str:
    """How long it ran, or has run so far; empty if it never began."""
    if launch.started_at is None:
        return ""
    end = launch.finished_at or now or timezone.now()
    return format_duration((end - launch.started_at).total_seconds())


def words_before_it_runs(launch: Launch) -> str:
    """What its workflow can't say yet; empty when Nextflow runs, or has ended."""
    if launch.state == LaunchState.PENDING:
        return str(mask(launch.message)) or f"Waits for its turn on {launch.host}."
    if launch.state == LaunchState.STARTING:
        return (
            str(mask(launch.message)) or f"Nextflow is being started on {launch.host}."
        )
    return ""


def state_cell(launch: Launch) -> SafeString:
    """The chip, and why it waits or ended as it did."""
    chip = markup.chip(launch_chip(launch))
    if not launch.message:
        return chip
    return format_html(
        '<div>{}<div class="below">{}</div></div>',
        chip,
        _short(str(mask(launch.message))),
    )


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:159].rstrip()}…"


def tasks_cell(launch: Launch) -> SafeString:
    return progress_cell(launch.workflow)


def took_cell(launch: Launch) -> SafeString:
    """How long it ran; nothing for one that never did."""
    words = took(launch)
    if not words:
        return SafeString("<span></span>")
    verb = "took" if launch.state in ENDED_LAUNCH else "runs for"
    return format_html('<span class="below">{} {}</span>', verb, words)


CELLS: dict[str, Callable[[Launch], SafeString]] = {
    "state": state_cell,
    "tasks": tasks_cell,
    "took": took_cell,
}
