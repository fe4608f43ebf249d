"""The calls of the trace: what each reads, has done, and answers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import close_old_connections
from django.http import HttpRequest

from seqhub.operations.api.exceptions import OUTAGES
from turret.api.trace.bodies import read_object, read_progress
from turret.api.trace.callers import caller_of, token_of
from turret.engine import trace
from turret.errors import BadTrace
from turret.services import tracing

Answer = dict[str, Any]
T = TypeVar("T")

# `tw info` wants at least this one of the service that it was written for.
API_VERSION = "1.198.0"
# Clients up to 25.04 never send a create twice: one that the database can't take
# now waits so long for it. They have no time limit, later ones one of 60 s.
PATIENCE_S = 15
_STEP_S = 0.5
# Of a process's threads: the others answer meanwhile.
_may_wait = threading.BoundedSemaphore(2)
_INT64 = re.compile(r"[+-]?[0-9]{1,19}")


def create(request: HttpRequest, _workflow_id: str) -> Answer:
    workspace = _workspace_of(request)
    caller = _patiently(lambda: caller_of(request, ""))
    call = trace.read_create(read_object(request.META))
    made = _patiently(lambda: tracing.create(call, caller, workspace))
    return {
        "workflowId": made,
        "watchUrl": watch_url(request, made),
        "message": None,
        "metadata": _patiently(lambda: _metadata(caller.user_id, workspace)),
    }


def begin(request: HttpRequest, workflow_id: str) -> Answer:
    caller = caller_of(request, workflow_id)
    call = trace.read_begin(read_object(request.META))
    tracing.begin(workflow_id, call, caller)
    return {**_done(workflow_id), "watchUrl": watch_url(request, workflow_id)}


def update(request: HttpRequest, workflow_id: str) -> Answer:
    caller = caller_of(request, workflow_id)
    tracing.update(workflow_id, read_progress(request.META), caller)
    return _done(workflow_id)


def complete(request: HttpRequest, workflow_id: str) -> Answer:
    caller = caller_of(request, workflow_id)
    call = trace.read_complete(read_object(request.META))
    tracing.complete(workflow_id, call, caller)
    return _done(workflow_id)


def note(request: HttpRequest, workflow_id: str) -> Answer:
    caller = caller_of(request, workflow_id)
    tracing.note(workflow_id, caller, read_object(request.META))
    return _done(workflow_id)


def user_info(request: HttpRequest, _workflow_id: str) -> Answer:
    """Who the token's owner is; any scope will do."""
    user = token_of(request).user
    return {
        "user": {
            "id": user.pk,
            "userName": user.get_username(),
            # Nextflow's `launch` reads this one.
            "name": user.get_full_name() or user.get_username(),
            "email": user.email,
            "firstName": user.first_name or None,
            "lastName": user.last_name or None,
            "organization": None,
            # The old service sent these two.
            "avatar": None,
            "trusted": True,
        },
        "needConsent": False,
        "defaultWorkspaceId": None,
    }


def service_info(_request: HttpRequest, _workflow_id: str) -> Answer:
    """What we are; asked for without a token."""
    return {
        "serviceInfo": {
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "apiVersion": API_VERSION,
            "commitId": "",
            "authTypes": [],
            "loginPath": "/admin/login/",
            "userWorkspaceEnabled": True,
        }
    }


def watch_url(request: HttpRequest, workflow_id: str) -> str:
    """The console's page of the workflow, at the address that users know."""
    if public := settings.CONFIG.server.public_url:
        base = str(public).rstrip("/")
    else:
        # As it was sent: any Host is taken, and only its sender sees this.
        meta = request.META
        local = f"{meta['SERVER_NAME']}:{meta['SERVER_PORT']}"
        base = f"{request.scheme}://{meta.get('HTTP_HOST') or local}"
    return f"{base}/admin/turret/workflow/by-id/{workflow_id}"


def _done(workflow_id: str) -> Answer:
    return {"status": "OK", "workflowId": workflow_id, "message": "OK"}


def _metadata(user_id: int | None, workspace: int | None) -> Answer:
    """What a client from 26.03 on shows as the platform that traces its run."""
    user = User.objects.filter(pk=user_id).first() if user_id else None
    return {
        "userId": user and user.pk,
        "userName": user and user.get_username(),
        "workspaceId": workspace,
        "labels": [],
    }


def _workspace_of(request: HttpRequest) -> int | None:
    """Any integer is taken: there is one workspace. Raises BadTrace."""
    text = request.GET.get("workspaceId", "").strip()
    if not text:
        return None
    if not _INT64.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise BadTrace("workspaceId is no integer of 64 bits.")
    return int(text)


def _patiently(call: Callable[[], T]) -> T:
    """The answer of `call`, tried again while the database is away; not again where
    others wait for that already."""
    try:
        return call()
    except OUTAGES:
        if not _may_wait.acquire(blocking=False):
            raise
    try:
        return _tried_again(call)
    finally:
        _may_wait.release()


def _tried_again(call: Callable[[], T]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        close_old_connections()
        time.sleep(_STEP_S)
        try:
            return call()
        except OUTAGES:
            if time.monotonic() > deadline:
                raise
