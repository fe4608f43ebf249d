"""Runs and tasks as Seqera Platform's API 1.181 spells them.

Its clients (`tw`) fail on a word that they don't know, so states are only those of
its own; what is not known is null.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from turret.choices import TaskStatus
from turret.engine.masking import mask
from turret.engine.trace import TASK_KEYS
from turret.models import Workflow, WorkflowTask

# What a detail needs of selectors.HEAVY.
HEAVY = (
    "error_report",
    "config_files",
    "config_text",
    "params",
    "manifest",
    "stats",
)
_TEXTS = {
    "sessionId": "session_id",
    "projectName": "project_name",
    "repository": "repository",
    "revision": "revision",
    "commitId": "commit_id",
    "profile": "profile",
    "scriptId": "script_id",
    "scriptName": "script_name",
    "scriptFile": "script_file",
    "launchDir": "launch_dir",
    "workDir": "work_dir",
    "projectDir": "project_dir",
    "homeDir": "home_dir",
    "container": "container",
    "containerEngine": "container_engine",
}


def time_text(at: datetime | None) -> str | None:
    """`2026-08-22T10:00:00Z`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed_shape(workflow: Workflow) -> dict[str, Any]:
    """A run in a list."""
    shown = {
        "workflow": workflow_shape(workflow),
        "labels": labels_shape(workflow),
        "starred": False,
    }
    return {**shown, **_place(workflow)}


def detail_shape(
    workflow: Workflow, progress: dict[str, Any], *, may_see_secrets: bool
) -> dict[str, Any]:
    """One run, with what lists leave out. No query if HEAVY is loaded."""
    heavy = {
        "errorReport": mask(workflow.error_report) or None,
        "manifest": workflow.manifest,
        "stats": workflow.stats,
        "configFiles": None,
        "configText": None,
        "params": None,
    }
    if may_see_secrets:
        heavy["configFiles"] = workflow.config_files
        heavy["configText"] = mask(workflow.config_text) or None
        heavy["params"] = mask(workflow.params)
        heavy["commandLine"] = mask(workflow.command_line) or None
    return {
        "workflow": {**workflow_shape(workflow), **heavy},
        "labels": labels_shape(workflow),
        "jobInfo": None,
        "progress": progress,
        **_place(workflow),
    }


def workflow_shape(workflow: Workflow) -> dict[str, Any]:
    """Without what lists leave out, and what not everybody may see."""
    owner = workflow.owner
    return {
        "id": workflow.workflow_id,
        "runName": workflow.run_name or workflow.workflow_id,
        "status": workflow.status.upper(),
        "ownerId": workflow.owner_id,
        "userName": owner.get_username() if owner else workflow.user_name or None,
        "submit": time_text(workflow.created_at),
        "start": time_text(workflow.started_at or workflow.begun_at),
        "complete": time_text(workflow.completed_at or workflow.ended_at),
        "dateCreated": time_text(workflow.created_at),
        "lastUpdated": time_text(workflow.last_seen_at),
        "duration": workflow.duration_ms,
        "exitStatus": workflow.exit_status,
        "success": workflow.success,
        "resume": bool(workflow.resume),
        "stubRun": bool(workflow.stub_run),
        "launchId": None,
        "errorMessage": mask(workflow.error_message) or None,
        "commandLine": None,
        "nextflow": {"version": workflow.nextflow_version or None},
        **{key: getattr(workflow, name) or None for key, name in _TEXTS.items()},
    }


def labels_shape(workflow: Workflow) -> list[dict[str, Any]]:
    """Ours have no ids; numbers stand in for them."""
    return [
        {"id": number, "name": name, "value": None, "resource": False}
        for number, name in enumerate(workflow.labels, 1)
    ]


def task_shape(task: WorkflowTask, *, may_see_secrets: bool) -> dict[str, Any]:
    """By Nextflow's names for what it sent."""
    shape = {key: _task_value(getattr(task, name)) for key, name in TASK_KEYS.items()}
    known = task.status != TaskStatus.OTHER
    return {
        **shape,
        "id": task.pk,
        "status": (task.status if known else TaskStatus.NEW).upper(),
        "errorAction": task.error_action.upper() or None,
        "module": [name.strip() for name in task.module.split(",") if name],
        "script": mask(task.script) or None,
        "env": (mask(task.env) or None) if may_see_secrets else None,
    }


def _task_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return time_text(value)
    return None if value == "" else value


def _place(workflow: Workflow) -> dict[str, Any]:
    """There is one workspace, which a run may name by any number."""
    return {
        "orgId": None,
        "orgName": None,
        "workspaceId": workflow.workspace_id,
        "workspaceName": None,
    }


def sort_column(key: str) -> str | None:
    """The column that `sortBy` means, by Nextflow's name; None for a wrong one."""
    column = TASK_KEYS.get(key)
    return column if column not in ("script", "env") else None
