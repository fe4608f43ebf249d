"""From a subject ("runfolder:7") to the page of what it names."""

from __future__ import annotations

from functools import cache

from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from seqhub.lib.markup import broken


@cache
def _pages() -> dict[str, str]:
    """Model name -> name of its page, of every model in the console."""
    return {
        str(model._meta.model_name): f"admin:{model._meta.label_lower}".replace(
            ".", "_"
        )
        + "_change"
        for model in apps.get_models()
        if admin.site.is_registered(model)
    }


def subject_link(subject: str) -> str:
    """The address of the subject's page, or "" if it has none."""
    model, _, key = subject.partition(":")
    page = _pages().get(model)
    return reverse(page, args=[key]) if page and key else ""


def named_subject(subject: str, name: str) -> SafeString | str:
    """`name` (or the subject itself), as a link where there is a page."""
    words = broken(name) if name else subject.replace(":", " ")
    link = subject_link(subject)
    return format_html('<a href="{}">{}</a>', link, words) if link else words
