"""The page of one workflow, and the drawer of one of its tasks."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, re_path, reverse

from seqhub.operations.admin.base import is_key
from seqhub.operations.admin.confirm import actor_of, ask
from seqhub.operations.selectors import open_attention
from turret.admin.actions import ACTIONS, SEE_SECRETS
from turret.admin.launch_actions import buttons_of_workflow
from turret.admin.reports import ReportPages
from turret.admin.sheets import export_tasks
from turret.choices import UNDER_WAY, TaskStatus
from turret.errors import UnknownWorkflow
from turret.models import Launch, Workflow, WorkflowTask
from turret.panels.cells import bar_colour
from turret.panels.chips import extra_chips, status_chip
from turret.panels.failures import failure_with_tail
from turret.panels.launch_cells import words_before_it_runs
from turret.panels.links import workflow_link
from turret.panels.tally import Tally, tally_of, tiles
from turret.panels.task_page import tail_content, task_content
from turret.panels.workflow_page import live_panels, subtitle, tabs
from turret.selectors import HEAVY, find_workflow, headline, progress_of

# Columns that no page reads with the rest.
_LONG = tuple(name for name in HEAVY if name not in ("process_names", "error_report"))
LIVE_S = 3


class WorkflowAdmin(ReportPages):
    """The list of workflows, and the page of one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "turret_workflow"
        # A client may number its tasks as it likes, below zero as well.
        task = r"^(?P<pk>[0-9]+)/tasks/(?P<task_id>-?[0-9]{1,19})/"
        return [
            path("<int:pk>/live/", view(self.live_view), name=f"{name}_live"),
            path("<int:pk>/do/<slug:key>/", view(self.do_view), name=f"{name}_do"),
            path("<int:pk>/tasks.csv", view(self.csv_view), name=f"{name}_tasks_csv"),
            re_path(f"{task}$", view(self.task_view), name=f"{name}_task"),
            re_path(f"{task}error/$", view(self.error_view), name=f"{name}_task_error"),
            # What Nextflow prints for its user to follow.
            re_path(
                r"^by-id/(?P<workflow_id>[^/]+)/?$",
                view(self.by_id_view),
                name=f"{name}_by_id",
            ),
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
        workflow = self._workflow(request, object_id)
        tally = tally_of(workflow)
        found = tabs(workflow, tally, may_see=request.user.has_perm(SEE_SECRETS))
        wanted = request.GET.get("tab", "")
        tab = next((tab for tab in found if tab.key == wanted), found[0])
        context = {
            **self.admin_site.each_context(request),
            **_head(request, workflow, tally),
            "title": str(workflow),
            "opts": self.opts,
            "original": workflow,
            "tabs": found,
            "open_tab": tab,
            "panels": tab.panels(request.GET),
        }
        return TemplateResponse(request, "turret/workflow.html", context)

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For htmx: the head of the page, and what moves below it."""
        workflow = self._workflow(request, str(pk))
        tally = tally_of(workflow)
        tab = request.GET.get("tab", "")
        context = {
            **_head(request, workflow, tally),
            "panels": live_panels(workflow, tally, tab, request.GET),
        }
        return TemplateResponse(request, "turret/workflow_live.html", context)

    def by_id_view(self, request: HttpRequest, workflow_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            workflow = find_workflow(workflow_id)
        except UnknownWorkflow as error:
            raise Http404(error.message) from None
        return HttpResponseRedirect(workflow_link(workflow))

    def do_view(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        """Ask, then do one action to one workflow."""
        action = ACTIONS.get(key)
        if action is None or not request.user.has_perm(action.permission):
            raise PermissionDenied
        workflow = self._workflow(request, str(pk))

        def act(answers: dict[str, Any]) -> str:
            action.act(workflow, answers, actor_of(request))
            return f"{workflow}: {action.done}"

        gone = reverse("admin:turret_workflow_changelist")
        return ask(
            request,
            action.question(workflow),
            act,
            back=workflow_link(pk),
            done_at=gone if key == "delete" else None,
        )

    def task_view(self, request: HttpRequest, pk: str, task_id: str) -> HttpResponse:
        """A drawer in the page; a page of its own without JavaScript."""
        workflow = self._workflow(request, pk)
        task = _task(workflow, task_id)
        may_see = request.user.has_perm(SEE_SECRETS)
        context = task_content(workflow, task, may_see=may_see)
        if "HX-Request" in request.headers:
            return TemplateResponse(request, "turret/task.html", context)
        context |= self.admin_site.each_context(request)
        context |= {"title": str(task), "opts": self.opts, "original": workflow}
        return TemplateResponse(request, "turret/task_page.html", context)

    def csv_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return export_tasks(request, self._workflow(request, str(pk)))

    def error_view(self, request: HttpRequest, pk: str, task_id: str) -> HttpResponse:
        """For htmx: the end of a task's error output, and what it tells."""
        workflow = self._workflow(request, pk)
        task = _task(workflow, task_id)
        if task.status != TaskStatus.FAILED:
            return TemplateResponse(request, "turret/tail.html", tail_content(task))
        failure = failure_with_tail(workflow, task)
        context = {
            "workflow": workflow,
            "failure": failure,
            "is_read": True,
            "is_alone": "alone" in request.GET,
        }
        return TemplateResponse(request, "turret/failure.html", context)

    def _workflow(self, request: HttpRequest, key: str) -> Workflow:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Workflow.objects.select_related("owner", "runfolder").defer(*_LONG)
        row = rows.filter(pk=key).first() if is_key(key) else None
        if row is None:
            raise Http404("The workflow is not known.")
        return row


def _task(workflow: Workflow, task_id: str) -> WorkflowTask:
    task = workflow.tasks.filter(task_id=int(task_id)).first()
    if task is None:
        raise Http404("The task is not known.")
    return task


def _head(request: HttpRequest, workflow: Workflow, tally: Tally) -> dict[str, Any]:
    may = request.user.has_perm
    launch = Launch.objects.filter(workflow=workflow).defer("params").first()
    waits = words_before_it_runs(launch) if launch else ""
    buttons = buttons_of_workflow(request, workflow, launch)
    actions = [
        action
        for action in ACTIONS.values()
        if may(action.permission) and action.fits(workflow)
    ]
    return {
        "workflow": workflow,
        "subtitle": subtitle(workflow),
        "headline": waits or headline(workflow),
        "buttons": buttons,
        "actions": actions,
        "has_more": actions or any(button.is_rare for button in buttons),
        "chip": status_chip(workflow),
        "chips": extra_chips(workflow),
        "tiles": tiles(tally),
        "open_state": request.GET.get("state", ""),
        "done": progress_of(workflow),
        "bar_colour": bar_colour(workflow),
        "attention": list(open_attention().filter(subject=workflow.subject)),
        "live_s": LIVE_S if workflow.status in UNDER_WAY else 0,
        "may_ignore": may("operations.change_attention"),
    }
