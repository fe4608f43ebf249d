"""A workflow's row, made at its create call."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import string

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from seqhub.operations.services.events import record_event
from turret.choices import Status
from turret.engine.records import Create
from turret.engine.states import batch_id
from turret.errors import UnknownWorkflow
from turret.models import Workflow
from turret.services.callers import TRACE, Caller

# Nextflow pastes the id into paths, and cuts it at 16 characters.
WORKFLOW_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")
# What Nextflow calls a workflow whose create failed.
NO_ID = "null"
ID_LETTERS = string.ascii_letters + string.digits
ID_LENGTH = 14


@transaction.atomic
def workflow_id_of(call: Create, caller: Caller, workspace_id: int | None) -> str:
    """Of the workflow that this call has made, or makes now.

    Raises UnknownWorkflow, and IntegrityError if the same comes at the same time.
    """
    key = _create_key(call, caller, workspace_id)
    if known := Workflow.objects.filter(create_key=key, create_key__isnull=False):
        return known.values_list("workflow_id", flat=True)[0]
    if not caller.is_live:
        raise UnknownWorkflow("The token has expired or was revoked.")
    wanted = call.workflow_id if WORKFLOW_ID.fullmatch(call.workflow_id) else ""
    now = timezone.now()
    workflow = Workflow.objects.create(
        workflow_id=wanted or _new_id(),
        create_key=key,
        token_digest=caller.token_digest,
        owner_id=caller.user_id,
        workspace_id=workspace_id,
        session_id=call.session_id,
        run_name=call.run_name,
        batch_id=batch_id_of(call.run_name),
        client=caller.client[:200],
        address=caller.address[:64],
        project_name=call.project_name,
        repository=call.repository,
        status=Status.SUBMITTED,
        status_since=now,
        created_at=now,
        last_seen_at=now,
    )
    record_event(workflow.subject, "created", f"{workflow} was created.", actor=TRACE)
    return workflow.workflow_id


def batch_id_of(run_name: str) -> str:
    return batch_id(run_name, settings.CONFIG.turret.batch_prefix)


def _create_key(call: Create, caller: Caller, workspace_id: int | None) -> str | None:
    """None without the client's clock: two runs may agree in all else."""
    if call.instant is None:
        return None
    owner = caller.user_id if caller.user_id is not None else caller.token_digest
    parts = [owner, workspace_id, call.session_id, call.run_name, call.instant]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _new_id() -> str:
    return "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))
