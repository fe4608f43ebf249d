"""The trace's paths for a program that has an HTTP server of its own.

Nothing here knows a token: whoever reaches the server may write. Since Nextflow 26.04
a refused call ends the user's run, so little is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from turret.engine.body import BadBody, parse
from turret.engine.default import default_registry
from turret.engine.records import JsonObject
from turret.engine.registry import WorkflowRegistry
from turret.engine.states import batch_id
from turret.engine.trace import read_begin, read_create

# What Nextflow is started with: `-name dispatcher_<batch>`.
BATCH_PREFIX = "dispatcher_"

Body = bytes | str | JsonObject | None
Answer = tuple[int, dict[str, Any]]

_CALL = re.compile(
    r"(?:/api)?/trace/(?P<id>[^/]+)/(?P<verb>begin|progress|heartbeat|complete)"
)
_CREATE = re.compile(r"(?:/api)?/trace/create")
_USER_INFO = re.compile(r"(?:/api)?/user-info")
_ID = re.compile(r"(?!null\Z)[A-Za-z0-9_.-]{1,255}")


class TowerRouter:
    """Answers the calls of `nextflow run -with-tower`, and keeps what they tell.

    Each method answers (status, JSON object), or None when the path is not its own.
    A path may begin with `/api` and have a query. `body` is what was sent, or the
    object in it. May be called from any thread.
    """

    def __init__(
        self,
        registry: WorkflowRegistry | None = None,
        run_name_to_batch_id: Callable[[str], str] | None = None,
    ) -> None:
        self.registry = default_registry if registry is None else registry
        self._batch_of = run_name_to_batch_id or batch_id_of

    def owns(self, path: str) -> bool:
        """Whether one of the methods below answers it."""
        plain = _plain(path)
        return any(one.fullmatch(plain) for one in (_CALL, _CREATE, _USER_INFO))

    def handle_get(self, path: str) -> Answer | None:
        if _USER_INFO.fullmatch(_plain(path)):
            return 200, user_info_response()
        return None

    def handle_post(self, path: str, body: Body) -> Answer | None:
        if not _CREATE.fullmatch(_plain(path)):
            return None
        try:
            call = read_create(_read(body))
        except BadBody as error:
            return refusal(400, "bad_body", str(error))
        workflow_id = self.registry.create(call, self._batch_of(call.run_name))
        return 200, trace_create_response(workflow_id)

    def handle_put(self, path: str, body: Body) -> Answer | None:
        found = _CALL.fullmatch(_plain(path))
        if found is None:
            return None
        workflow_id, verb = found["id"], found["verb"]
        if not _ID.fullmatch(workflow_id):
            # "null": what a client goes on with whose create was refused, unseen.
            return refusal(404, "unknown_workflow", "This run was never created.")
        try:
            self._take(workflow_id, verb, _read(body))
        except BadBody as error:
            return refusal(400, "bad_body", str(error))
        return 200, {"status": "OK", "workflowId": workflow_id}

    def _take(self, workflow_id: str, verb: str, body: JsonObject) -> None:
        if verb == "begin":
            run_name = read_begin(body).run.run_name
            batch = self._batch_of(run_name) if run_name else ""
            self.registry.begin(workflow_id, batch, run_name)
            return
        progress, instant = body.get("progress"), body.get("instant")
        if verb == "complete":
            workflow = body.get("workflow")
            self.registry.mark_complete(workflow_id, progress, workflow, instant)
        else:
            tasks = body.get("tasks")
            self.registry.update_progress(workflow_id, progress, tasks, instant)


def batch_id_of(run_name: str) -> str:
    return batch_id(run_name, BATCH_PREFIX)


def user_info_response() -> dict[str, Any]:
    """Who the client is to us: there are no users here."""
    user = {
        "id": 1,
        "userName": "nextflow",
        "email": "nextflow@localhost",
        "firstName": None,
        "lastName": None,
        "organization": None,
        "avatar": None,
        "trusted": True,
    }
    return {"user": user, "needConsent": False, "defaultWorkspaceId": None}


def trace_create_response(
    workflow_id: str, watch_url: str | None = None
) -> dict[str, Any]:
    """`watch_url` is printed to the user; None: there is no page."""
    return {"workflowId": workflow_id, "watchUrl": watch_url, "message": None}


def _plain(path: str) -> str:
    return path.partition("?")[0]


def _read(body: Body) -> JsonObject:
    """Raises BadBody."""
    if isinstance(body, dict):
        return body
    if isinstance(body, str):
        return parse(body.encode("utf-8", "replace"))
    return parse(body or b"")


def refusal(status: int, code: str, message: str) -> Answer:
    return status, {"code": code, "message": message, "detail": message}
