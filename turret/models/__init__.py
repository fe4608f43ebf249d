"""Where Django looks for an app's models."""

from __future__ import annotations

from turret.models.launches import Launch
from turret.models.pipelines import ComputeEnvironment, Pipeline
from turret.models.workflows import (
    Counters,
    Workflow,
    WorkflowProcess,
    WorkflowTask,
)

__all__ = [
    "ComputeEnvironment",
    "Counters",
    "Launch",
    "Pipeline",
    "Workflow",
    "WorkflowProcess",
    "WorkflowTask",
]
