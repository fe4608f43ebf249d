"""Following Nextflow runs without Django, a database or a server.

The library that this package is: docs/embedding.md. What stands here needs nothing
but the standard library.
"""

from __future__ import annotations

from turret.engine.default import (
    default_registry,
    evict_old,
    get_all_states,
    get_progress,
    get_state,
    is_registered,
    mark_complete,
    register_workflow,
    update_progress,
    workflow_id_for_batch,
)
from turret.engine.failures import classify_task_failure
from turret.engine.handler import TowerHandlerMixin
from turret.engine.nextflow_log import parse_nf_log
from turret.engine.registry import WorkflowRegistry
from turret.engine.router import (
    TowerRouter,
    trace_create_response,
    user_info_response,
)
from turret.engine.slurm import parse_elapsed_s, tower_process_to_slurm_name
from turret.engine.trace_file import parse_nf_trace, trace_path_for_log

__all__ = [
    "TowerHandlerMixin",
    "TowerRouter",
    "WorkflowRegistry",
    "classify_task_failure",
    "default_registry",
    "evict_old",
    "get_all_states",
    "get_progress",
    "get_state",
    "is_registered",
    "mark_complete",
    "parse_elapsed_s",
    "parse_nf_log",
    "parse_nf_trace",
    "register_workflow",
    "tower_process_to_slurm_name",
    "trace_create_response",
    "trace_path_for_log",
    "update_progress",
    "user_info_response",
    "workflow_id_for_batch",
]
