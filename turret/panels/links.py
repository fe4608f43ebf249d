"""Addresses of the pages of workflows."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from turret.models import Workflow


def workflows_link(**filters: object) -> str:
    """The list of workflows, narrowed down by the list's own query parameters."""
    link = reverse("admin:turret_workflow_changelist")
    return f"{link}?{urlencode(filters)}" if filters else link


def workflow_link(workflow: Workflow | int, tab: str = "") -> str:
    key = workflow if isinstance(workflow, int) else workflow.pk
    link = reverse("admin:turret_workflow_change", args=[key])
    return f"{link}?tab={tab}" if tab else link


def tasks_link(workflow: Workflow, **filters: object) -> str:
    """The tasks of a workflow: `state`, `process`, `q` narrow them down."""
    return f"{workflow_link(workflow)}?{urlencode({'tab': 'tasks', **filters})}"


def task_link(workflow: Workflow, task_id: int) -> str:
    return reverse("admin:turret_workflow_task", args=[workflow.pk, task_id])
