"""One registry for a program that needs no second one."""

from __future__ import annotations

from turret.engine.registry import WorkflowRegistry

default_registry = WorkflowRegistry()

register_workflow = default_registry.register
is_registered = default_registry.is_registered
update_progress = default_registry.update_progress
mark_complete = default_registry.mark_complete
get_progress = get_state = default_registry.get_by_batch
get_all_states = default_registry.get_all
evict_old = default_registry.evict_old
workflow_id_for_batch = default_registry.workflow_id_for_batch
