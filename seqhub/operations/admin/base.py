"""What the console's lists have in common."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin


def is_key(text: str) -> bool:
    """Can it be the id of a row? Those have at most 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19


class CountedList(ChangeList):
    """A list that says how many rows it shows, and not how many it might."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # One count less, and no "47 results (Show all)" where all are shown.
        self.full_result_count = self.result_count


class ConsoleAdmin(ModelAdmin):  # type: ignore[misc]
    """A list of at most 50 rows, with its own words where it is empty."""

    list_per_page = 50
    show_full_result_count = False
    # What would fill an empty list.
    empty_words = "Nothing is here yet."
    empty_hint = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # PostgreSQL has no U+0000, and refuses to look for it.
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            return HttpResponseRedirect(request.path)
        try:
            page: HttpResponse = super().changelist_view(request, extra_context)
        except DataError:
            # Nor offsets of times above 16 hours.
            return HttpResponseRedirect(request.path)
        return page


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that people read and services write."""

    # Does a row have a page that says more than its line in the list?
    has_pages = False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_pages:
            name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{name}"))
        page: HttpResponse = super().change_view(
            request, object_id, form_url, extra_context
        )
        return page

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False
