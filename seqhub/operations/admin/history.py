"""Events and attention: what happened, and what waits for a person."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import FieldTextFilter, RangeDateTimeFilter

from seqhub.lib import markup
from seqhub.operations.admin.base import CountedList, ReadOnlyAdmin
from seqhub.operations.admin.confirm import Question, actor_of, ask
from seqhub.operations.models import Attention, Event
from seqhub.operations.panels import named_subject, subject_names
from seqhub.operations.services.attention import ignore_attention


class SubjectList(CountedList):
    """A page of rows, each with its `subject_name`."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        names = subject_names(rows)
        for row in rows:
            row.subject_name = names.get(row.subject, "")
        self.result_list = rows


class SubjectAdmin(ReadOnlyAdmin):
    """What is about a subject: a run folder, a root, a token."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SubjectList

    @display(description="About")
    def about(self, row: Any) -> SafeString | str:
        name = getattr(row, "subject_name", None)
        if name is None:
            name = subject_names([row]).get(row.subject, "")
        return named_subject(row.subject, name)


class EventAdmin(SubjectAdmin):
    has_pages = True
    list_display = ("when", "about", "kind_words", "message", "who")
    list_display_links = ("when",)
    list_filter: ClassVar = [
        "source",
        ("actor", FieldTextFilter),
        ("kind", FieldTextFilter),
        ("at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    search_fields = ("message", "runfolder_name", "actor", "kind")
    search_help_text = "Message, run, person, kind"
    ordering = ("-at", "-id")
    empty_words = "Nothing has happened yet."
    empty_hint = "Events appear with the first scan."
    fields = ("when", "about", "kind_words", "message", "who", "details")
    readonly_fields = fields

    def lookup_allowed(
        self, lookup: str, value: str, request: HttpRequest | None = None
    ) -> bool:
        if lookup in ("runfolder_ref", "subject"):
            return True
        return bool(super().lookup_allowed(lookup, value, request))

    @display(description="When", ordering="at")
    def when(self, event: Event) -> SafeString:
        return markup.since(event.at)

    @display(description="What", ordering="kind")
    def kind_words(self, event: Event) -> str:
        return event.kind.replace("_", " ")

    @display(description="Who", ordering="actor")
    def who(self, event: Event) -> str:
        door = event.get_source_display()
        return f"{event.actor} ({door})" if event.actor else door

    @display(description="Details")
    def details(self, event: Event) -> SafeString | str:
        rows = [
            (
                key.replace("_", " "),
                value if isinstance(value, str) else json.dumps(value),
            )
            for key, value in event.data.items()
        ]
        return (
            format_html(
                '<dl class="facts">{}</dl>',
                markup.pairs(rows),
            )
            if rows
            else "–"
        )


class AttentionAdmin(SubjectAdmin):
    list_display = ("about", "message", "next_step", "since_when", "set_aside")
    list_display_links = None
    list_filter: ClassVar = [
        ("ignored_at", admin.EmptyFieldListFilter),
        ("code", admin.AllValuesFieldListFilter),
    ]
    search_fields = ("message", "runfolder_name")
    search_help_text = "Message, run"
    ordering = ("-since",)
    empty_words = "Nothing needs attention."
    empty_hint = "Stalled, failed and unreadable runs and missing disks appear here."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attention]:
        rows: QuerySet[Attention] = super().get_queryset(request)
        if "ignored_at__isempty" in request.GET:
            return rows
        return rows.filter(ignored_at=None)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.ignore_view)
        name = "operations_attention_ignore"
        return [
            path("<int:attention_id>/ignore/", view, name=name),
            *super().get_urls(),
        ]

    def ignore_view(self, request: HttpRequest, attention_id: int) -> HttpResponse:
        """Out of the dashboard until it opens afresh."""
        if not request.user.has_perm("operations.change_attention"):
            raise PermissionDenied
        question = Question(
            title="Set aside",
            explains="It leaves the dashboard until it opens afresh. "
            "Nothing else changes.",
            button="Set aside",
        )

        def act(answers: dict[str, Any]) -> str:
            ignore_attention(
                attention_id, actor=actor_of(request), reason=answers["reason"]
            )
            return "Set aside."

        back = reverse("admin:operations_attention_changelist")
        return ask(request, question, act, back=back)

    @display(description="Since", ordering="since")
    def since_when(self, attention: Attention) -> SafeString:
        return markup.since(attention.since)

    @display(description="")
    def set_aside(self, attention: Attention) -> SafeString:
        if attention.ignored_at:
            return format_html(
                "set aside by {} {}",
                attention.ignored_by,
                markup.since(attention.ignored_at),
            )
        link = reverse("admin:operations_attention_ignore", args=[attention.pk])
        return markup.dialog_link(link, "ignore", f"Ignore: {attention.message}")
