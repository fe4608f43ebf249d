"""Compute environments: where launches run."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ShowFacets, display
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from seqhub.lib import markup
from seqhub.lib.markup import Chip
from seqhub.operations.admin.base import ConsoleAdmin, is_key
from seqhub.operations.admin.confirm import OptionalReasonForm, Question, actor_of, ask
from turret.admin.actions import SEE_SECRETS
from turret.admin.compute_form import ComputeForm
from turret.admin.pipelines import shown
from turret.choices import ENDED_LAUNCH, ComputeKind
from turret.engine.masking import mask
from turret.models import ComputeEnvironment
from turret.panels.launch_links import launches_link
from turret.services.computes import (
    ask_for_test,
    delete_compute,
    last_test,
    save_compute,
)
from turret.services.launching.environments import launches_dir, nextflow_of

ON = Chip("on", "success", "check_circle", "Launches may use it.")
OFF = Chip("off", "default", "block", "Nothing is launched there.")
READ_ONLY = Chip(
    "configured", "default", "lock", "turret.launcher of seqhub.yaml says what it is."
)
POLL_S = 3
_USE = ("is_enabled", "max_concurrent")
_SHELL_FIELDS = ("modules", "pre_run", "config_text")


class ComputeAdmin(ConsoleAdmin):
    """Read by all; managers change all but the configuration's own."""

    form = ComputeForm
    list_display = ("named", "kind_words", "host", "state", "under_way", "launches")
    list_display_links = None
    list_filter: ClassVar = ["kind", "is_enabled"]
    show_facets = ShowFacets.NEVER
    search_fields = ("name", "host", "queue")
    search_help_text = "Name, host, partition"
    ordering = ("-is_configured", "name")
    actions = None
    change_form_before_template = "turret/compute_before.html"
    empty_words = "No compute environment is known yet."
    empty_hint = (
        "`up` makes one called local: its host, as turret.launcher in seqhub.yaml has "
        "it. Managers add others, such as a SLURM cluster, with the button above."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        moving = ~Q(launches__state__in=ENDED_LAUNCH) & Q(launches__isnull=False)
        rows: QuerySet[ComputeEnvironment] = super().get_queryset(request)
        return rows.annotate(
            launch_count=Count("launches"),
            moving_count=Count("launches", filter=moving),
        )

    def get_fieldsets(
        self, request: HttpRequest, obj: Any | None = None
    ) -> list[tuple[str | None, dict[str, Any]]]:
        texts: dict[str, str] = {name: name for name in _SHELL_FIELDS}
        if not self._is_written(request, obj):
            texts = {name: f"{name}_shown" for name in _SHELL_FIELDS}
        head = ("queue", "account", "head_cpus", "head_memory_mb", "head_time_minutes")
        found: list[tuple[str | None, dict[str, Any]]] = [
            (
                None,
                {"fields": ("name", "kind", "host", "is_enabled", "max_concurrent")},
            ),
            ("Nextflow", {"fields": ("nextflow", "work_dir", "trace", "environment")}),
            ("Configuration", {"fields": (texts["config_text"],)}),
            (
                "Run by the shell before Nextflow",
                {"fields": (texts["modules"], texts["pre_run"])},
            ),
        ]
        if obj is None or obj.kind == ComputeKind.SLURM:
            words = "Only for SLURM: what Nextflow itself is given, not its tasks."
            found.append(("Head job", {"fields": head, "description": words}))
        return found

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any | None = None
    ) -> tuple[str, ...]:
        if self._is_written(request, obj):
            return ()
        return tuple(f"{name}_shown" for name in _SHELL_FIELDS)

    def has_change_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        if obj is not None and obj.is_configured:
            return False
        may = super().has_change_permission(request, obj)
        return bool(may and request.user.has_perm(SEE_SECRETS))

    def has_delete_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        if obj is not None and obj.is_configured:
            return False
        return bool(super().has_delete_permission(request, obj))

    def _is_written(self, request: HttpRequest, obj: Any | None) -> bool:
        if obj is None:
            return bool(self.has_add_permission(request))
        return self.has_change_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "turret_computeenvironment"
        return [
            path("<int:pk>/test/", view(self.test_view), name=f"{name}_test"),
            path("<int:pk>/tested/", view(self.tested_view), name=f"{name}_tested"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        rows = ComputeEnvironment.objects.all()
        row = rows.filter(pk=object_id).first() if is_key(object_id) else None
        known = (
            _tested(request, row) if row and self.has_view_permission(request) else {}
        )
        page: HttpResponse = super().change_view(
            request, object_id, form_url, {**known, **(extra_context or {})}
        )
        return page

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._row(str(pk))
        if not request.user.has_perm("turret.change_computeenvironment"):
            raise PermissionDenied
        question = Question(
            f"Test {row}",
            f"On {row.host}: is Nextflow there, and Java; can the work directory be "
            "written to; does SLURM answer? Nothing is launched; it takes seconds.",
            "Test now",
            forms.Form,
        )

        def act(_answers: dict[str, Any]) -> None:
            if not ask_for_test(row, actor=actor_of(request)):
                messages.info(request, f"{row.host} has been asked to try it out.")

        return ask(request, question, act, back=_page(row))

    def tested_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For htmx: the result of the newest test, until it is there."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = _tested(request, self._row(str(pk)))
        return TemplateResponse(request, "turret/compute_tested.html", context)

    def _row(self, key: str) -> ComputeEnvironment:
        rows = ComputeEnvironment.objects.all()
        row = rows.filter(pk=key).first() if is_key(key) else None
        if row is None:
            raise Http404("The compute environment is not known.")
        return row

    def save_model(
        self, request: HttpRequest, obj: ComputeEnvironment, form: Any, change: bool
    ) -> None:
        save_compute(obj, actor=actor_of(request), changed=form.changed_data)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self._row(object_id)
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        question = Question(
            f"Delete the compute environment {row}",
            "It can no longer be chosen. One that launches or saved pipelines name "
            "can't be deleted, only switched off.",
            "Delete",
            OptionalReasonForm,
            is_dangerous=True,
        )

        def act(answers: dict[str, Any]) -> str:
            delete_compute(row.pk, actor=actor_of(request), reason=answers["reason"])
            return f"{row}: deleted."

        done_at = reverse("admin:turret_computeenvironment_changelist")
        return ask(request, question, act, back=_page(row), done_at=done_at)

    @display(description="Name", ordering="name")
    def named(self, row: ComputeEnvironment) -> SafeString:
        return format_html('<a class="run-link" href="{}">{}</a>', _page(row), row.name)

    @display(description="Nextflow runs", ordering="kind")
    def kind_words(self, row: ComputeEnvironment) -> SafeString | str:
        where = f"partition {row.queue}" if row.queue else ""
        return markup.lines(row.get_kind_display(), where)

    @display(description="State", ordering="is_enabled")
    def state(self, row: ComputeEnvironment) -> SafeString:
        chips = [ON if row.is_enabled else OFF]
        if row.is_configured:
            chips.append(READ_ONLY)
        return markup.row(markup.chip(chip) for chip in chips)

    @display(description="Under way", ordering="moving_count")
    def under_way(self, row: ComputeEnvironment) -> SafeString:
        link = launches_link(compute__id__exact=row.pk, show="under_way")
        return format_html('<a href="{}">{}</a>', link, getattr(row, "moving_count", 0))

    @display(description="Launches", ordering="launch_count")
    def launches(self, row: ComputeEnvironment) -> SafeString:
        link = launches_link(compute__id__exact=row.pk)
        return format_html('<a href="{}">{}</a>', link, getattr(row, "launch_count", 0))

    @display(description="Module lines")
    def modules_shown(self, row: ComputeEnvironment) -> SafeString:
        return shown(mask(row.modules), "none")

    @display(description="Script before Nextflow")
    def pre_run_shown(self, row: ComputeEnvironment) -> SafeString:
        return shown(mask(row.pre_run), "none")

    @display(description="Nextflow configuration")
    def config_text_shown(self, row: ComputeEnvironment) -> SafeString:
        return shown(mask(row.config_text), "none")


def _page(row: ComputeEnvironment) -> str:
    return reverse("admin:turret_computeenvironment_change", args=[row.pk])


def _tested(request: HttpRequest, row: ComputeEnvironment) -> dict[str, Any]:
    """What a page says of a compute environment beside its form. One query."""
    test = last_test(row)
    found = test.data.get("found") if test else None
    return {
        "compute": row,
        # What another host is configured with is not known here.
        "is_here": row.host == settings.CONFIG.host,
        "test": test,
        "found": found,
        "nextflow": nextflow_of(row),
        "launches_dir": row.work_dir or launches_dir(),
        "may_test": request.user.has_perm("turret.change_computeenvironment"),
        "poll_s": POLL_S if test and found is None else 0,
    }
