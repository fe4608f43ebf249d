"""What the dashboard shows of run folders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count as CountOf
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from runfolders.choices import RootStatus, Sequencing, State
from runfolders.models import Root, Runfolder
from runfolders.panels.chips import root_chip, sequencing_chip, state_chip
from runfolders.selectors import count_samples, in_flight, visible_runfolders
from seqhub.lib.markup import Chip
from seqhub.lib.panels import Count, Panel, first_of
from seqhub.operations.models import Heartbeat

SHOWN = 8


def runs_link(**filters: object) -> str:
    """The list of runs, narrowed down by the list's own query parameters."""
    link = reverse("admin:runfolders_runfolder_changelist")
    return f"{link}?{urlencode(filters)}" if filters else link


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in one line of a panel."""

    run: Runfolder
    link: str
    chip: Chip


def _line(run: Runfolder, chip: Chip) -> RunLine:
    link = reverse("admin:runfolders_runfolder_change", args=[run.pk])
    return RunLine(run, link, chip)


def in_flight_panel() -> Panel:
    rows = in_flight().select_related("instrument").order_by("sequencing_since")
    found, count = first_of(rows, SHOWN)
    return Panel(
        "in-flight",
        "In flight",
        "runfolders/panels/in_flight.html",
        {
            "lines": [_line(run, sequencing_chip(run)) for run in found],
            "more": max(count - SHOWN, 0),
        },
        count=count,
        link=runs_link(show="in_flight"),
        is_live=bool(count),
    )


def complete_panel(
    archives_of: Callable[[Iterable[Runfolder]], Mapping[int, SafeString]],
) -> Panel:
    """`archives_of`: what the app that has them shows of the archives of some runs, by
    the ids of the runs."""
    rows = (
        visible_runfolders()
        .filter(sequencing=Sequencing.COMPLETE)
        .select_related("instrument")
        .order_by("-completed_at")[:SHOWN]
    )
    counts, archives = count_samples(rows), archives_of(rows)
    return Panel(
        "complete",
        "Recently complete",
        "runfolders/panels/complete.html",
        {
            "lines": [
                (
                    _line(run, state_chip(run)),
                    counts.get(run.pk, 0),
                    archives.get(run.pk),
                )
                for run in rows
            ]
        },
        link=runs_link(sequencing__exact=Sequencing.COMPLETE.value),
    )


@dataclass(frozen=True, slots=True)
class RootLine:
    """A watched root, and how full its disk is."""

    root: Root

    @property
    def chip(self) -> Chip:
        return root_chip(self.root)

    @property
    def is_missing(self) -> bool:
        return self.root.status == RootStatus.MISSING

    @property
    def colour(self) -> str:
        if self.used_percent < 80:
            return "primary"
        return "danger" if self.used_percent >= 95 else "warning"

    @property
    def used_percent(self) -> int:
        total, free = self.root.total_bytes, self.root.free_bytes
        return round(100 * (total - (free or 0)) / total) if total else 0


def root_lines() -> list[RootLine]:
    return [RootLine(root) for root in Root.objects.filter(is_configured=True)]


def storage_panel() -> Panel:
    return Panel(
        "storage",
        "Storage",
        "runfolders/panels/storage.html",
        {"lines": root_lines()},
        link=reverse("admin:runfolders_root_changelist"),
    )


def scan_panel(beats: Iterable[Heartbeat]) -> Panel:
    """When each host was scanned last, and how far a running scan is, by what the
    scanners told."""
    now = timezone.now()
    hosts = [
        {
            "host": beat.host,
            "at": beat.at,
            "done": beat.data.get("done"),
            "total": beat.data.get("total"),
            "is_running": _is_running(beat, now),
        }
        for beat in beats
    ]
    return Panel(
        "scan",
        "Last scan",
        "runfolders/panels/scan.html",
        {"hosts": hosts},
        is_live=any(host["is_running"] for host in hosts),
    )


def _is_running(beat: Heartbeat, now: dt.datetime) -> bool:
    done, total = beat.data.get("done"), beat.data.get("total")
    if done is None or total is None or done >= total:
        return False
    # A scanner that died stays at its last number; it isn't running.
    return now - beat.at < dt.timedelta(minutes=2)


def today() -> list[Count]:
    """What happened since midnight in the site's zone, and what waits."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    visible = visible_runfolders()
    numbers = visible.aggregate(
        found=CountOf("pk", filter=Q(first_seen_at__gte=midnight)),
        complete=CountOf("pk", filter=Q(completed_at__gte=midnight)),
        ready=CountOf(
            "pk",
            filter=Q(state=State.READY, root__status=RootStatus.AVAILABLE),
        ),
        failed=CountOf(
            "pk",
            filter=Q(sequencing=Sequencing.FAILED, sequencing_since__gte=midnight),
        ),
    )
    moment = midnight.isoformat()
    return [
        Count(
            numbers["complete"],
            "complete",
            runs_link(completed_at__gte=moment),
            "success",
        ),
        Count(numbers["found"], "new", runs_link(first_seen_at__gte=moment)),
        Count(
            numbers["failed"],
            "failed",
            runs_link(
                sequencing__exact=Sequencing.FAILED.value, sequencing_since__gte=moment
            ),
            "danger",
        ),
        Count(numbers["ready"], "ready, waiting", runs_link(show="ready")),
    ]
