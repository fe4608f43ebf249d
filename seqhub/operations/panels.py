"""What the dashboard shows of operations: what needs a person, and health."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone

from seqhub.lib.markup import Chip
from seqhub.lib.panels import Panel
from seqhub.operations.models import Attention, Heartbeat
from seqhub.operations.selectors import open_attention
from seqhub.operations.subjects import subject_link

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
    rows = open_attention()
    count = rows.count()
    lines = [
        AttentionLine(
            row,
            subject_link(row.subject),
            row.runfolder_name or row.subject.replace(":", " "),
        )
        for row in rows[:SHOWN]
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
