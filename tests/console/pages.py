"""The console's pages, and a database to show on them."""

from __future__ import annotations

from django.utils import timezone

from archiving.choices import RestoreState, Status
from archiving.models import ArchiveJob
from runfolders.choices import Sequencing, State
from runfolders.models import Runfolder
from runfolders.services.holds import hold
from runfolders.services.notes import add_note
from seqhub.operations.choices import Source
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import Actor
from seqhub.operations.services.heartbeats import beat
from tests.archiving.factories import (
    ArchiveJobFactory,
    AttemptFactory,
    CopyFactory,
    RecipientFactory,
    RestoreFactory,
    VerificationFactory,
)
from tests.factories import (
    HOST,
    InstrumentFactory,
    RootFactory,
    RunfolderFactory,
    SampleFactory,
)
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from turret.choices import Status as WorkflowStatus
from turret.models import Workflow

ANNA = Actor(Source.CONSOLE, "anna")
LISTS = (
    "/admin/runfolders/runfolder/",
    "/admin/runfolders/sample/",
    "/admin/runfolders/instrument/",
    "/admin/runfolders/root/",
    "/admin/turret/workflow/",
    "/admin/archiving/archivejob/",
    "/admin/archiving/restore/",
    "/admin/archiving/archivecopy/",
    "/admin/archiving/recipient/",
    "/admin/operations/attention/",
    "/admin/operations/event/",
)
PAGES = ("/admin/", "/admin/dashboard/live/", "/admin/health/", *LISTS)
TABS = ("overview", "samples", "workflows", "archive", "timeline", "raw")


def page_of(run: Runfolder) -> str:
    return f"/admin/runfolders/runfolder/{run.pk}/change/"


def fill(count: int) -> list[Runfolder]:
    """`count` runs in every state, each with an instrument, a root, a sample, a
    hold, a note, an event, something that needs attention, a workflow, and an
    archive."""
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
        fill_workflow(run, number)
        fill_archive(run, number)
        found.append(run)
    return found


def fill_workflow(run: Runfolder, number: int) -> Workflow:
    """A workflow in every status, with a process and a task that failed; every other
    one is not linked to the run."""
    workflow = WorkflowFactory.create(
        runfolder=None if number % 2 else run,
        # The first one has failed.
        status=list(WorkflowStatus)[(number + 3) % len(WorkflowStatus)],
        pending=3,
        succeeded=9,
    )
    ProcessFactory.create(workflow=workflow, pending=3, succeeded=9)
    TaskFactory.create(workflow=workflow, status="failed", exit=137)
    open_attention(workflow.subject, "workflow_failed", "Look.", runfolder=workflow.run)
    return workflow


def fill_archive(run: Runfolder, number: int) -> ArchiveJob:
    """An archive in every state, with one of all that belongs to it."""
    status = list(Status)[number % len(Status)]
    sealed = status == Status.ENCRYPTED
    job = ArchiveJobFactory.create(
        runfolder=run, run_name=run.name, path=run.path, status=status, sealed=sealed
    )
    job.recipients.add(RecipientFactory.create())
    AttemptFactory.create(job=job)
    if sealed:
        VerificationFactory.create(job=job, state="running")
        CopyFactory.create(job=job)
        state = list(RestoreState)[number % len(RestoreState)]
        RestoreFactory.create(job=job, state=state)
    open_attention(job.subject, "archive_failed", "Look.", runfolder=job.run)
    return job
