"""What ctrl-K finds: runs, samples, instruments, archives, workflows."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from archiving.selectors import visible_jobs
from runfolders.models import Instrument, Sample
from runfolders.selectors import visible_runfolders
from turret.panels.links import workflow_link
from turret.selectors import listed_workflows

EACH = 8


def search(request: HttpRequest, text: str) -> list[SearchResult]:
    """At most a few of each kind; unfold shows and caches them."""
    text = text.strip()
    found: list[SearchResult] = []
    if text and request.user.has_perm("runfolders.view_runfolder"):
        found += [*_runs(text), *_samples(text), *_instruments(text)]
    if text and request.user.has_perm("archiving.view_archivejob"):
        found += _archives(text)
    if text and request.user.has_perm("turret.view_workflow"):
        found += _workflows(text)
    return found


def _runs(text: str) -> list[SearchResult]:
    rows = visible_runfolders().filter(
        Q(name__icontains=text)
        | Q(flow_cell__icontains=text)
        | Q(project__icontains=text)
        | Q(experiment_name__icontains=text)
    )
    return [
        SearchResult(
            title=run.name,
            description=f"Run, {run.sequencing}",
            link=reverse("admin:runfolders_runfolder_change", args=[run.pk]),
            icon="science",
        )
        for run in rows.order_by("-first_seen_at")[:EACH]
    ]


def _samples(text: str) -> list[SearchResult]:
    rows = Sample.objects.filter(
        Q(sample_id__icontains=text) | Q(name__icontains=text),
        runfolder__root__is_configured=True,
        runfolder__ignored_at=None,
    ).select_related("runfolder")
    return [
        SearchResult(
            title=sample.sample_id,
            description=f"Sample in {sample.runfolder.name}",
            link=reverse(
                "admin:runfolders_runfolder_change",
                args=[sample.runfolder_id],
                query={"tab": "samples", "q": sample.sample_id},
            ),
            icon="labs",
        )
        for sample in rows.order_by("-runfolder_id", "line")[:EACH]
    ]


def _instruments(text: str) -> list[SearchResult]:
    rows = Instrument.objects.filter(
        Q(serial__icontains=text) | Q(name__icontains=text) | Q(model__icontains=text)
    )
    return [
        SearchResult(
            title=str(instrument),
            description=f"Instrument, {instrument.model or instrument.platform}",
            link=reverse(
                "admin:runfolders_runfolder_changelist",
                query={"instrument__id__exact": instrument.pk},
            ),
            icon="biotech",
        )
        for instrument in rows[:EACH]
    ]


def _archives(text: str) -> list[SearchResult]:
    rows = visible_jobs().filter(
        Q(name__icontains=text) | Q(run_name__icontains=text) | Q(path__icontains=text)
    )
    return [
        SearchResult(
            title=job.name,
            description=f"Archive, {job.status}",
            link=reverse("admin:archiving_archivejob_change", args=[job.pk]),
            icon="inventory_2",
        )
        for job in rows.defer("wrapped_key", "publishing")[:EACH]
    ]


def _workflows(text: str) -> list[SearchResult]:
    rows = listed_workflows().filter(
        Q(run_name__icontains=text)
        | Q(workflow_id=text)
        | Q(project_name__icontains=text)
        | Q(labels__contains=[text[:50]])
    )
    return [
        SearchResult(
            title=str(row),
            description=f"Workflow, {row.status}",
            link=workflow_link(row),
            icon="account_tree",
        )
        for row in rows.order_by("-created_at")[:EACH]
    ]
