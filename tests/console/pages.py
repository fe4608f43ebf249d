"""The console's pages, and a database to show on them."""

from __future__ import annotations

from django.utils import timezone

from runfolders.choices import Sequencing, State
from runfolders.models import Runfolder
from runfolders.services.holds import hold
from runfolders.services.notes import add_note
from seqhub.operations.choices import Source
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import Actor
from seqhub.operations.services.heartbeats import beat
from tests.factories import (
    HOST,
    InstrumentFactory,
    RootFactory,
    RunfolderFactory,
    SampleFactory,
)

ANNA = Actor(Source.CONSOLE, "anna")
LISTS = (
    "/admin/runfolders/runfolder/",
    "/admin/runfolders/sample/",
    "/admin/runfolders/instrument/",
    "/admin/runfolders/root/",
    "/admin/operations/attention/",
    "/admin/operations/event/",
)
PAGES = ("/admin/", "/admin/dashboard/live/", "/admin/health/", *LISTS)
TABS = ("overview", "samples", "timeline", "raw")


def page_of(run: Runfolder) -> str:
    return f"/admin/runfolders/runfolder/{run.pk}/change/"


def fill(count: int) -> list[Runfolder]:
    """`count` runs in every state, each with an instrument, a root, a sample, a
    hold, a note, an event and something that needs attention."""
    beat(HOST, "scanner", {"done": count, "total": count})
    found = []
    for number in range(count):
        sequencing = list(Sequencing)[number % len(Sequencing)]
        run = RunfolderFactory.create(
            root=RootFactory.create(total_bytes=100, free_bytes=40),
            instrument=InstrumentFactory.create(),
            sequencing=sequencing,
            state=list(State)[number % len(State)],
            is_present=sequencing != Sequencing.VANISHED,
            completed_at=timezone.now() if sequencing == Sequencing.COMPLETE else None,
            total_cycles=318,
            cycles_done=87,
        )
        SampleFactory.create(runfolder=run)
        hold(run.pk, actor=ANNA, reason="Wait.")
        add_note(run.pk, "Low yield.", actor=ANNA)
        open_attention(
            run.subject,
            "stalled",
            f"{run.name} stands still.",
            runfolder=(run.pk, run.name),
        )
        found.append(run)
    return found
