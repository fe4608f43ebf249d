"""Saved pipelines: what staff launch by a name."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.contrib.admin import ShowFacets, display
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from seqhub.lib import markup
from seqhub.lib.markup import Chip
from seqhub.operations.admin.base import ConsoleAdmin, is_key
from seqhub.operations.admin.confirm import OptionalReasonForm, Question, actor_of, ask
from seqhub.operations.errors import DomainError
from turret.admin.actions import SEE_SECRETS
from turret.admin.pipeline_form import HOUR_S, PipelineForm, written
from turret.engine.masking import mask
from turret.models import Pipeline
from turret.panels.launch_links import launches_link, new_launch_link
from turret.selectors import launchable_pipelines
from turret.services.pipelines import (
    change_pipeline,
    create_pipeline,
    delete_pipeline,
)

LAUNCH = "turret.launch_launch"
ON = Chip("on", "success", "check_circle", "It can be launched.")
OFF = Chip("off", "default", "block", "It is not offered to anybody.")
_SERVED = (
    *("name", "description", "source", "revision", "profile", "config_text"),
    *("params", "visible_params", "compute", "labels", "is_enabled"),
    *("max_concurrent", "max_run_time_s"),
)


class PipelineAdmin(ConsoleAdmin):
    """Read by all, changed by managers, each change through its service."""

    form = PipelineForm
    list_display = ("named", "what", "where", "who", "state", "launches")
    list_display_links = None
    list_filter: ClassVar = ["is_enabled", "compute"]
    show_facets = ShowFacets.NEVER
    search_fields = ("name", "source", "description")
    search_help_text = "Name, repository, description"
    ordering = ("name",)
    actions = None
    empty_words = "No pipeline is saved yet."
    empty_hint = (
        "A saved pipeline has a name, a pinned revision and presets, so that staff "
        "launch it without knowing Nextflow. Managers make one with the button above."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Pipeline] = super().get_queryset(request)
        return (
            rows.select_related("compute")
            .prefetch_related("groups")
            .annotate(launch_count=Count("launches", distinct=True))
        )

    def get_fieldsets(
        self, request: HttpRequest, obj: Any | None = None
    ) -> list[tuple[str | None, dict[str, Any]]]:
        is_written = self._is_written(request, obj)
        params = "params" if is_written else "params_shown"
        config = "config_text" if is_written else "config_shown"
        limit = "max_run_time_h" if is_written else "run_time_shown"
        return [
            (None, {"fields": ("name", "description", "is_enabled")}),
            ("What is run", {"fields": ("source", "revision", "profile", "compute")}),
            ("Parameters", {"fields": (params, "visible_params")}),
            ("Configuration", {"fields": (config,)}),
            ("Who, and how much", {"fields": ("groups", "max_concurrent", limit)}),
            ("Found by", {"fields": ("labels",)}),
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any | None = None
    ) -> Sequence[str]:
        if self._is_written(request, obj):
            return ()
        return ("params_shown", "config_shown", "run_time_shown")

    def has_change_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        # Who may not see secrets can't be shown the text that they would change.
        may = super().has_change_permission(request, obj)
        return bool(may and request.user.has_perm(SEE_SECRETS))

    def _is_written(self, request: HttpRequest, obj: Any | None) -> bool:
        if obj is None:
            return bool(self.has_add_permission(request))
        return self.has_change_permission(request, obj)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        mine: set[int] = set()
        if request.user.has_perm(LAUNCH):
            mine = set(launchable_pipelines(request.user).values_list("pk", flat=True))
        setattr(request, _MINE, mine)
        return super().changelist_view(request, extra_context)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        mine: set[int] = getattr(request, _MINE, set())

        @display(description="")
        def start(row: Pipeline) -> SafeString | str:
            if row.pk not in mine:
                return ""
            return format_html(
                '<a class="button button-small" href="{}" aria-label="Launch {}">'
                "launch</a>",
                new_launch_link(pipeline=row.pk),
                row.name,
            )

        return [*self.list_display, start]

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            page: HttpResponse = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except DomainError as error:  # what only the service could know
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())
        return page

    def save_model(
        self, request: HttpRequest, obj: Pipeline, form: Any, change: bool
    ) -> None:
        values = {name: getattr(obj, name) for name in _SERVED}
        groups, actor = form.cleaned_data["groups"], actor_of(request)
        if change:
            change_pipeline(obj.pk, values, actor=actor, groups=groups)
            return
        owner = cast("User", request.user)
        made = create_pipeline(values, actor=actor, owner=owner, groups=groups)
        obj.pk = made.pk

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        rows = Pipeline.objects.filter(pk=object_id) if is_key(object_id) else ()
        row = next(iter(rows), None)
        if row is None:
            raise Http404("The pipeline is not known.")
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        question = Question(
            f"Delete the pipeline {row}",
            "Nobody can launch it by its name any longer. Its launches stay, and so do "
            "their results.",
            "Delete",
            OptionalReasonForm,
            is_dangerous=True,
        )

        def act(answers: dict[str, Any]) -> str:
            delete_pipeline(row.pk, actor=actor_of(request), reason=answers["reason"])
            return f"{row}: deleted."

        return ask(
            request,
            question,
            act,
            back=reverse("admin:turret_pipeline_change", args=[row.pk]),
            done_at=reverse("admin:turret_pipeline_changelist"),
        )

    @display(description="Pipeline", ordering="name")
    def named(self, row: Pipeline) -> SafeString:
        return format_html(
            '<div class="run-cell"><a class="run-link" href="{}">{}</a>{}</div>',
            reverse("admin:turret_pipeline_change", args=[row.pk]),
            row.name,
            format_html('<div class="below">{}</div>', _short(row.description))
            if row.description
            else "",
        )

    @display(description="Repository", ordering="source")
    def what(self, row: Pipeline) -> SafeString:
        return markup.lines(
            markup.broken(mask(row.source)),
            row.revision or markup.faint("any revision"),
        )

    @display(description="Runs on", ordering="compute__name")
    def where(self, row: Pipeline) -> SafeString | str:
        return str(row.compute) if row.compute else markup.faint("local")

    @display(description="Who may launch")
    def who(self, row: Pipeline) -> str:
        names = ", ".join(group.name for group in row.groups.all())
        return names or "all who may launch"

    @display(description="State", ordering="is_enabled")
    def state(self, row: Pipeline) -> SafeString:
        return markup.chip(ON if row.is_enabled else OFF)

    @display(description="Launches", ordering="launch_count")
    def launches(self, row: Pipeline) -> SafeString:
        link = launches_link(pipeline__id__exact=row.pk)
        return format_html('<a href="{}">{}</a>', link, getattr(row, "launch_count", 0))

    @display(description="Presets")
    def params_shown(self, row: Pipeline) -> SafeString:
        return shown(written(mask(row.params)), "none")

    @display(description="Nextflow configuration")
    def config_shown(self, row: Pipeline) -> SafeString:
        return shown(mask(row.config_text), "none")

    @display(description="Longest run time")
    def run_time_shown(self, row: Pipeline) -> str:
        limit = row.max_run_time_s
        return f"{limit / HOUR_S:g} h" if limit else "no limit"


_MINE = "launchable_pipelines"


def _short(text: str) -> str:
    return shorten(text, 200, placeholder=" …")


def shown(text: str, otherwise: str) -> SafeString:
    """A text of several lines, for reading only."""
    if not text.strip():
        return markup.faint(otherwise)
    return format_html('<pre class="raw" tabindex="0">{}</pre>', text)
