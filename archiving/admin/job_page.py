"""The page of one archive."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from archiving.admin.actions import ACTIONS, RESTORE, SEAL, primary_key
from archiving.admin.jobs import ArchiveJobList
from archiving.admin.restoring import ask_restore
from archiving.choices import CheckState, Status
from archiving.models import ArchiveJob, Progress, Verification
from archiving.panels.cells import open_verifications
from archiving.panels.chips import check_chip, extra_chips, status_chip, verified_chip
from archiving.panels.headline import headline
from archiving.panels.job_page import tabs
from archiving.panels.links import archive_link
from archiving.panels.progress import amounts, bar_of
from archiving.panels.reads import last_read_at
from archiving.services.policy import current_policy
from archiving.services.registration import register_runfolder
from archiving.services.verification import cancel_verification
from seqhub.lib.markup import Chip
from seqhub.lib.panels import Track
from seqhub.lib.units import counted, format_bytes
from seqhub.operations.admin.base import is_key
from seqhub.operations.admin.confirm import Question, actor_of, ask
from seqhub.operations.selectors import open_attention

SEAL_NOW = Question(
    "Seal this run now",
    "The run folder is read once and an encrypted archive made of it. The archive "
    "counts only when every file in it was read back and matched.",
    "Seal now",
    forms.Form,
)
STOP = Question(
    "Cancel this verification",
    "It ends, and says nothing of the archive. The archive stays as it is.",
    "Cancel verification",
)


class ArchiveJobAdmin(ArchiveJobList):
    """The list of archives, and the page of one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "archiving_archivejob"
        return [
            path("<int:job_id>/live/", view(self.live_view), name=f"{name}_live"),
            path("<int:job_id>/do/<slug:key>/", view(self.do_view), name=f"{name}_do"),
            path(
                "<int:job_id>/restore/", view(self.restore_view), name=f"{name}_restore"
            ),
            path(
                "<int:job_id>/verifications/<int:verification_id>/cancel/",
                view(self.stop_view),
                name=f"{name}_stop_verification",
            ),
            path("seal/<int:run_id>/", view(self.seal_view), name=f"{name}_seal"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page itself; only the open tab's panels are read."""
        job = self._job(request, object_id)
        found = tabs(job)
        wanted = request.GET.get("tab", "")
        tab = next((tab for tab in found if tab.key == wanted), found[0])
        context = {
            **self.admin_site.each_context(request),
            **_head(request, job),
            "title": job.run_name,
            "opts": self.opts,
            "original": job,
            "tabs": found,
            "open_tab": tab,
            "panels": tab.panels(request.GET),
        }
        return TemplateResponse(request, "archiving/job.html", context)

    def live_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """The head of the page, for htmx, while something goes on."""
        job = self._job(request, str(job_id))
        return TemplateResponse(request, "archiving/job_head.html", _head(request, job))

    def do_view(self, request: HttpRequest, job_id: int, key: str) -> HttpResponse:
        """Ask, then do one action to one archive."""
        action = ACTIONS.get(key)
        if action is None or not request.user.has_perm(SEAL):
            raise PermissionDenied
        job = get_object_or_404(ArchiveJob, pk=job_id)

        def act(answers: dict[str, Any]) -> str:
            action.act(job, answers, actor_of(request))
            return f"{job.name}: {action.done}"

        return ask(request, action.question, act, back=archive_link(job))

    def restore_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        if not request.user.has_perm(RESTORE):
            raise PermissionDenied
        return ask_restore(request, get_object_or_404(ArchiveJob, pk=job_id))

    def stop_view(
        self, request: HttpRequest, job_id: int, verification_id: int
    ) -> HttpResponse:
        if not request.user.has_perm(SEAL):
            raise PermissionDenied
        row = get_object_or_404(Verification, pk=verification_id, job=job_id)

        def act(answers: dict[str, Any]) -> str:
            actor = actor_of(request)
            cancel_verification(row.pk, actor=actor, reason=answers["reason"])
            return "The verification ends."

        return ask(request, STOP, act, back=archive_link(job_id, "verifications"))

    def seal_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Have a run sealed that has no archive yet."""
        if not request.user.has_perm(SEAL):
            raise PermissionDenied

        def act(_answers: dict[str, Any]) -> str:
            job = register_runfolder(run_id, actor=actor_of(request))
            return f"{job.name} is sealed as soon as a worker is free."

        page = reverse("admin:runfolders_runfolder_change", args=[run_id])
        return ask(request, SEAL_NOW, act, back=f"{page}?tab=archive")

    def _job(self, request: HttpRequest, key: str) -> ArchiveJob:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = ArchiveJob.objects.defer("wrapped_key", "publishing")
        job = rows.filter(pk=key).first() if is_key(key) else None
        if job is None:
            raise Http404("The archive is not known.")
        return job


def _head(request: HttpRequest, job: ArchiveJob) -> dict[str, Any]:
    looking = open_verifications([job]).get(job.pk)
    moving: Progress | None = None
    if job.status == Status.PROCESSING:
        moving = job
    elif looking is not None and looking.state == CheckState.RUNNING:
        moving = looking
    bar = bar_of(moving) if moving else None
    waits = job.status == Status.PENDING and job.held_at is None
    # Nothing but a free worker is missing: it may begin at any moment.
    is_next = waits and not job.code and current_policy().is_on
    may_seal = request.user.has_perm(SEAL)
    read_at = last_read_at(job)
    return {
        "job": job,
        "subtitle": _subtitle(job),
        "headline": headline(
            job,
            timezone.now(),
            is_on=current_policy().is_on,
            eta_s=bar.eta_s if bar and moving is job else None,
            looking=looking,
            read_at=read_at,
        ),
        "chips": extra_chips(job),
        "tracks": _tracks(job, looking, read_at),
        "bar": bar,
        "amounts": amounts(moving) if moving else "",
        "attention": list(open_attention().filter(subject=job.subject)),
        "live_s": 2 if moving or looking or is_next else 15 if waits else 0,
        "may_seal": may_seal,
        "may_restore": request.user.has_perm(RESTORE),
        "may_ignore": request.user.has_perm("operations.change_attention"),
        **(_actions(job) if may_seal else {}),
    }


def _tracks(
    job: ArchiveJob, looking: Verification | None, read_at: dt.datetime | None
) -> list[Track]:
    found = [Track("Archive", status_chip(job))]
    if looking is not None:
        chip = check_chip(looking)
        chip = Chip(chip.word, chip.colour, chip.icon, chip.title, looking.requested_at)
        found.append(Track("Verification", chip))
    elif job.sealed_at:
        found.append(Track("Last verification", verified_chip(job, read_at)))
    return found


def _subtitle(job: ArchiveJob) -> list[str]:
    parts = [job.sequencer]
    if job.source_bytes is not None:
        parts.append(format_bytes(job.source_bytes))
    if job.source_files is not None:
        parts.append(counted(job.source_files, "file"))
    if job.name != job.run_name:
        parts.append(f"archive {job.name}")
    return [part for part in parts if part]


def _actions(job: ArchiveJob) -> dict[str, Any]:
    """What may be done now: the large button and the rest."""
    fitting = [action for action in ACTIONS.values() if action.fits(job)]
    wanted = primary_key(job)
    primary = next((one for one in fitting if one.key == wanted), None)
    return {
        "primary": primary,
        "actions": [one for one in fitting if one is not primary],
    }
