"""Which paths are the trace's, and which call each of them is.

They answer at `/` and below `/api`: what users give to `-with-tower` is either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from rest_framework.exceptions import MethodNotAllowed, NotFound

from turret.errors import UnknownWorkflow

_OURS = re.compile(r"(?:/api)?/(?:trace|user-info|service-info)(?:/.*)?", re.DOTALL)
# The other methods below it are the REST API's.
_NOTED = re.compile(r"(?:/api)?/workflow/[^/]*")
_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{1,255}")


class WrongMethod(MethodNotAllowed):
    def __init__(self, method: str, allowed: str) -> None:
        text = f"{method[:20]} is not for this path; it takes {allowed}."
        super().__init__(method, text)
        self.allowed = allowed


class Call(Enum):
    CREATE = auto()
    BEGIN = auto()
    PROGRESS = auto()
    HEARTBEAT = auto()
    COMPLETE = auto()
    NOTE = auto()
    USER_INFO = auto()
    SERVICE_INFO = auto()


@dataclass(frozen=True, slots=True)
class Route:
    call: Call
    workflow_id: str = ""


_ID = "(?P<id>[^/]+)"
_TABLE = [
    (re.compile(rf"(?:/api)?/{pattern}"), method, call)
    for pattern, method, call in (
        # The most frequent first.
        (f"trace/{_ID}/progress", "PUT", Call.PROGRESS),
        (f"trace/{_ID}/heartbeat", "PUT", Call.HEARTBEAT),
        (f"trace/{_ID}/begin", "PUT", Call.BEGIN),
        (f"trace/{_ID}/complete", "PUT", Call.COMPLETE),
        ("trace/create", "POST", Call.CREATE),
        (f"workflow/{_ID}", "PATCH", Call.NOTE),
        ("user-info", "GET", Call.USER_INFO),
        ("service-info", "GET", Call.SERVICE_INFO),
    )
]


def is_of_trace(method: str, path: str) -> bool:
    """Whether the trace answers, if only with an error."""
    if _OURS.fullmatch(path):
        return True
    return method == "PATCH" and bool(_NOTED.fullmatch(path))


def find_route(method: str, path: str) -> Route:
    """Raises NotFound, WrongMethod, UnknownWorkflow."""
    for pattern, allowed, call in _TABLE:
        if found := pattern.fullmatch(path):
            if method != allowed:
                raise WrongMethod(method, allowed)
            return Route(call, _checked(found.groupdict().get("id", "")))
    raise NotFound("No call of Nextflow's trace has this path.")


def _checked(workflow_id: str) -> str:
    # What a client goes on with whose create has failed, unseen by its user.
    if workflow_id == "null":
        raise UnknownWorkflow(
            "This run was never created: its `create` was refused or lost"
            " (.nextflow.log says how). It is not traced."
        )
    if workflow_id and not _WELL_FORMED.fullmatch(workflow_id):
        raise UnknownWorkflow("No workflow can have this id.")
    return workflow_id
