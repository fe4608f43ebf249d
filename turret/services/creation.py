"""The row of a workflow, made or found at its create call."""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from turret.choices import Status
from turret.engine.records import Create
from turret.engine.states import batch_id
from turret.errors import UnknownWorkflow
from turret.models import Workflow
from turret.selectors import listed_workflows
from turret.services.callers import TRACE, Caller
from turret.services.history import record

# Nextflow cuts it at 16 characters, and pastes it into paths as it is.
_ID_LETTERS = string.ascii_letters + string.digits
_ID_LENGTH = 14


@transaction.atomic
def workflow_id_of(call: Create, caller: Caller, workspace_id: int | None) -> str:
    """Of the workflow that this call has made, or makes now.

    Raises UnknownWorkflow, and IntegrityError if a twin makes it at the same time.
    """
    key = _create_key(call, caller, workspace_id)
    known = Workflow.objects.filter(create_key=key) if key else Workflow.objects.none()
    for workflow_id in known.values_list("workflow_id", flat=True):
        return workflow_id
    if not caller.is_live:
        raise UnknownWorkflow("The token has expired or was revoked.")
    told = {
        "create_key": key,
        "workspace_id": workspace_id,
        "session_id": call.session_id,
        "run_name": call.run_name,
        "batch_id": batch_id_of(call.run_name),
        "client": caller.client[:200],
        "address": caller.address[:64],
        "project_name": call.project_name,
        "repository": call.repository,
        "last_seen_at": timezone.now(),
    }
    named = _named(call, caller)
    if named is None:
        return _make(call.workflow_id or new_workflow_id(), told, caller)
    if _is_unused(named):
        # Of a launch we know better what it runs.
        del told["project_name"], told["repository"]
        Workflow.objects.filter(pk=named.pk).update(**told)
        named.run_name = call.run_name
        record(named, "created", f"{named} was created.", actor=TRACE)
        return named.workflow_id
    if (named.session_id, named.run_name) == (call.session_id, call.run_name):
        return named.workflow_id
    # TOWER_WORKFLOW_ID was left in the environment: this is another run, whose tasks
    # must not mingle with the ones of the first.
    return _make(new_workflow_id(), told, caller)


def batch_id_of(run_name: str) -> str:
    return batch_id(run_name, settings.CONFIG.turret.batch_prefix)


def _make(workflow_id: str, told: dict[str, Any], caller: Caller) -> str:
    now = timezone.now()
    workflow = Workflow.objects.create(
        workflow_id=workflow_id,
        token_digest=caller.token_digest,
        owner_id=caller.user_id,
        status=Status.SUBMITTED,
        status_since=now,
        created_at=now,
        **told,
    )
    record(workflow, "created", f"{workflow} was created.", actor=TRACE)
    return workflow_id


def _named(call: Create, caller: Caller) -> Workflow | None:
    """The row with the id that the call brings along, locked. Raises UnknownWorkflow
    if it is another's."""
    if not call.workflow_id:
        return None
    rows = listed_workflows().select_for_update(of=("self",), no_key=True)
    named = rows.filter(workflow_id=call.workflow_id).first()
    if named and not caller.may_write(named.owner_id, named.token_digest):
        raise UnknownWorkflow(f"There is no workflow {call.workflow_id} of yours.")
    return named


def _is_unused(workflow: Workflow) -> bool:
    """It was made for a launch, and nothing of it has called yet."""
    return (workflow.create_key, workflow.begun_at, workflow.ended_at) == (None,) * 3


def _create_key(call: Create, caller: Caller, workspace_id: int | None) -> str | None:
    """None without the client's clock: two runs may agree in all else."""
    if call.instant is None:
        return None
    owner = caller.token_digest if caller.user_id is None else caller.user_id
    parts = [owner, workspace_id, call.session_id, call.run_name, call.instant]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def new_workflow_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
