"""Query parameters of the lists."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import F, Q, QuerySet
from django_filters import rest_framework as filters

from seqhub.operations.api.filters import TimeFilter
from turret.api.rows import STALLED
from turret.choices import Status, TaskStatus
from turret.models import Workflow, WorkflowTask
from turret.services.search import (
    KEYWORDS_HELP,
    matching,
    of_pipeline,
    of_project,
    of_task,
    of_user,
)

SORTED_BY = (
    "task_id",
    "status",
    "process",
    "tag",
    "name",
    "exit",
    "attempt",
    "submitted_at",
    "started_at",
    "completed_at",
    "duration_ms",
    "realtime_ms",
    "cpus",
    "pcpu",
    "memory_bytes",
    "peak_rss_bytes",
    "read_bytes",
    "write_bytes",
)


class RunFilter(filters.FilterSet):  # type: ignore[misc]
    """Several values of one parameter (`?state=failed&state=unknown`) mean any of
    them; several parameters mean all of them."""

    state = filters.MultipleChoiceFilter("status", choices=Status.choices)
    status = filters.MultipleChoiceFilter(
        choices=Status.choices, help_text="The same as state."
    )
    stalled = filters.BooleanFilter(method="by_stalled")
    user = filters.CharFilter(
        method="by_user", help_text="The owner, or the user where it ran."
    )
    pipeline = filters.CharFilter(
        method="by_pipeline", help_text="`nf-core/rnaseq`, `rnaseq`, or its repository."
    )
    project = filters.CharFilter(
        method="by_project", help_text="Of the run folder or one of its samples."
    )
    runfolder = filters.NumberFilter("runfolder_id", help_text="Id of a run folder.")
    batch_id = filters.CharFilter()
    run_name = filters.CharFilter()
    session = filters.CharFilter("session_id", help_text="Resumed runs share it.")
    label = filters.CharFilter(method="by_label")
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")
    ended_after = TimeFilter("ended_at", "gte")
    ended_before = TimeFilter("ended_at", "lt")
    text = filters.CharFilter(method="by_text", help_text=KEYWORDS_HELP)

    class Meta:
        model = Workflow
        fields: ClassVar[list[str]] = []

    def by_stalled(
        self, rows: QuerySet[Workflow], name: str, value: bool
    ) -> QuerySet[Workflow]:
        return rows.filter(STALLED) if value else rows.exclude(STALLED)

    def by_user(
        self, rows: QuerySet[Workflow], name: str, value: str
    ) -> QuerySet[Workflow]:
        return rows.filter(of_user(value))

    def by_pipeline(
        self, rows: QuerySet[Workflow], name: str, value: str
    ) -> QuerySet[Workflow]:
        return rows.filter(of_pipeline(value))

    def by_project(
        self, rows: QuerySet[Workflow], name: str, value: str
    ) -> QuerySet[Workflow]:
        return rows.filter(of_project(value))

    def by_label(
        self, rows: QuerySet[Workflow], name: str, value: str
    ) -> QuerySet[Workflow]:
        return rows.filter(labels__contains=[value])

    def by_text(
        self, rows: QuerySet[Workflow], name: str, value: str
    ) -> QuerySet[Workflow]:
        return matching(rows, value)


class TaskOrdering(filters.OrderingFilter):  # type: ignore[misc]
    """Those without a value stand last either way, equal ones by id, so that pages
    never overlap."""

    def filter(
        self, rows: QuerySet[WorkflowTask], value: list[str] | None
    ) -> QuerySet[WorkflowTask]:
        return sorted_tasks(rows, value or [])


class TaskFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter("status", choices=TaskStatus.choices)
    status = filters.MultipleChoiceFilter(
        choices=TaskStatus.choices, help_text="The same as state."
    )
    process = filters.CharFilter(
        method="of_process", help_text="Its full name, or the last part of it."
    )
    tag = filters.CharFilter()
    exit = filters.NumberFilter(help_text="The exit code.")
    text = filters.CharFilter(
        method="with_text",
        help_text="In the name, hash, work directory or the scheduler's id.",
    )
    ordering = TaskOrdering(fields=SORTED_BY)

    class Meta:
        model = WorkflowTask
        fields: ClassVar[list[str]] = []

    def of_process(
        self, rows: QuerySet[WorkflowTask], name: str, value: str
    ) -> QuerySet[WorkflowTask]:
        return rows.filter(Q(process=value) | Q(process__endswith=f":{value}"))

    def with_text(
        self, rows: QuerySet[WorkflowTask], name: str, value: str
    ) -> QuerySet[WorkflowTask]:
        return rows.filter(of_task(value))


def sorted_tasks(
    rows: QuerySet[WorkflowTask], columns: list[str]
) -> QuerySet[WorkflowTask]:
    """By columns, a minus before one meaning downwards."""
    order: list[Any] = [
        F(column[1:]).desc(nulls_last=True)
        if column.startswith("-")
        else F(column).asc(nulls_last=True)
        for column in columns
    ]
    return rows.order_by(*order, "task_id")
