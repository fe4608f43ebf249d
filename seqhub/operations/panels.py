"""What the dashboard shows of operations: what needs a person, and health."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.contrib import admin
from django.db.models import JSONField, Model, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from seqhub.lib.markup import Chip, broken
from seqhub.lib.panels import Panel, first_of
from seqhub.operations.models import Attention, Event, Heartbeat
from seqhub.operations.selectors import open_attention

SHOWN = 8
# Beats come every minute; a busy worker may miss one or two.
LATE_AFTER = dt.timedelta(minutes=3)
# Older than this, its host is gone and no longer expected.
GONE_AFTER = dt.timedelta(days=7)
CLUSTER = "cluster:"


@dataclass(frozen=True, slots=True)
class AttentionLine:
    attention: Attention
    link: str
    name: str


def attention_panel() -> Panel:
    shown, count = first_of(open_attention(), SHOWN)
    names = subject_names(shown)
    lines = [
        AttentionLine(
            row,
            subject_link(row.subject),
            names.get(row.subject) or row.subject.partition(":")[0].capitalize(),
        )
        for row in shown
    ]
    return Panel(
        "attention",
        "Needs attention",
        "operations/panels/attention.html",
        {"lines": lines, "more": max(count - SHOWN, 0)},
        count=count,
        link=reverse("admin:operations_attention_changelist"),
    )


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life in one line."""

    host: str
    role: str
    beat: Heartbeat
    is_late: bool

    @property
    def chip(self) -> Chip:
        if self.is_late:
            return Chip(
                "late",
                "warning",
                "heart_broken",
                "No sign of life for a while: stopped, or too busy to answer.",
                self.beat.at,
            )
        return Chip("up", "success", "favorite", "It has given a sign of life.")


def signs_of_life() -> list[Sign]:
    """Every role that is expected to beat, by host."""
    now = timezone.now()
    return [
        Sign(
            beat.host,
            beat.role.removeprefix(CLUSTER),
            beat,
            now - beat.at > LATE_AFTER,
        )
        for beat in Heartbeat.objects.filter(at__gte=now - GONE_AFTER)
    ]


@cache
def _models() -> dict[str, type[Model]]:
    """Model name -> model, of every model in the console."""
    return {
        str(model._meta.model_name): model
        for model in apps.get_models()
        if admin.site.is_registered(model)
    }


def subject_link(subject: str) -> str:
    """The address of the subject's page, or "" if it has none."""
    name, _, key = subject.partition(":")
    model = _models().get(name)
    if model is None or not key:
        return ""
    return reverse(f"admin:{model._meta.app_label}_{name}_change", args=[key])


def subject_names(rows: Iterable[Attention | Event]) -> dict[str, str]:
    """Subject -> what people call it: a root's path, a token's name.

    A run folder's name is in the row; what is no longer there is missing.
    One query for each kind of subject.
    """
    names: dict[str, str] = {}
    keys: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.runfolder_name:
            names[row.subject] = row.runfolder_name
            continue
        name, _, key = row.subject.partition(":")
        if name in _models() and key.isdecimal():
            keys[name].add(key)
    for name, wanted in keys.items():
        there: QuerySet[Model] = QuerySet(_models()[name])
        fields = there.model._meta.concrete_fields
        # Nothing is called by its JSON, which may be large.
        heavy = [field.name for field in fields if isinstance(field, JSONField)]
        for found in there.filter(pk__in=wanted).defer(*heavy):
            names[f"{name}:{found.pk}"] = str(found)
    return names


def named_subject(subject: str, name: str) -> SafeString | str:
    """`name` (or the subject itself), as a link where there is a page."""
    words = broken(name) if name else subject.replace(":", " ").capitalize()
    link = subject_link(subject)
    return format_html('<a href="{}">{}</a>', link, words) if link else words
