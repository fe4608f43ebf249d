"""The runs that a program traces by itself, kept in its memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from turret.engine.records import (
    Complete,
    Counters,
    Create,
    JsonObject,
    Process,
    Run,
    Task,
    Update,
)
from turret.engine.shapes import (
    LATEST_FAILURES,
    PROCESS_KEYS,
    RESOURCE_KEYS,
    at_the_end,
    failure,
    keyed,
    task_counts,
)
from turret.engine.states import done_of, verdict
from turret.engine.trace import read_complete, read_update
from turret.words import Status, TaskStatus

# Nextflow sends something each minute.
STALLED_AFTER_S = 300
# Nextflow cuts what is longer.
_ID_LENGTH = 16

# What makes two calls of create the same one: session, run name, instant.
_Key = tuple[str, str, int]


@dataclass(slots=True)
class _Entry:
    """A run. Times are seconds since 1970, of this machine."""

    workflow_id: str
    batch_id: str
    run_name: str
    started_at: float
    updated_at: float
    status: Status = Status.SUBMITTED
    counters: Counters = field(default_factory=Counters)
    processes: list[Process] = field(default_factory=list)
    # By task id, the oldest first.
    failures: dict[int, dict[str, Any]] = field(default_factory=dict)
    # The client's clock (ms): the counters are as of then.
    instant: int = 0
    # A create call has come for it; until then it may be taken by one.
    session_id: str = ""
    is_created: bool = False
    is_complete: bool = False
    run: Run = field(default_factory=Run)

    def state(self, now: float) -> dict[str, Any]:
        counters, processes = self.counters, self.processes
        if self.is_complete:
            counters = at_the_end(counters)
        done = done_of(counters, ended=self.is_complete)
        return {
            "workflow_id": self.workflow_id,
            "batch_id": self.batch_id,
            "run_name": self.run_name,
            "task_counts": task_counts(counters),
            "processes": [
                keyed(PROCESS_KEYS, at_the_end(one) if self.is_complete else one)
                for one in processes
            ],
            "resources": keyed(RESOURCE_KEYS, counters),
            "failures": [dict(one) for one in self.failures.values()],
            "complete": self.is_complete,
            "stalled": not self.is_complete and now - self.updated_at > STALLED_AFTER_S,
            "done": counters.succeeded + counters.cached,
            "total": done.total,
            "pct": done.percent,
            "started_at": self.started_at,
            "updated_at": self.updated_at,
            "status": self.status.value,
            "success": self._success(),
            "exit_status": self.run.exit_status,
            "error_message": self.run.error_message,
        }

    def _success(self) -> bool | None:
        """None: it has not ended, or ended without a word of how."""
        if self.status == Status.UNKNOWN or not self.is_complete:
            return None
        return self.status == Status.SUCCEEDED

    def count(self, update: Update | Complete) -> None:
        """Counters replace those of an earlier moment; without one they are new."""
        if update.progress is None:
            return
        if update.instant is not None:
            if update.instant < self.instant:
                return
            self.instant = update.instant
        self.counters = update.progress.counters
        if update.progress.processes:
            self.processes = update.progress.processes

    def note_failures(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.status == TaskStatus.FAILED:
                self.failures[task.task_id] = failure(task)
        for task_id in list(self.failures)[:-LATEST_FAILURES]:
            del self.failures[task_id]


class WorkflowRegistry:
    """Runs by their workflow id. All of its methods may be called from any thread.

    A state is a dict of the run's own: `workflow_id, batch_id, run_name, task_counts,
    processes, resources, failures` (the last 50), `complete, stalled, done, total,
    pct, started_at, updated_at`, and beside what the old service had, `status`
    (turret.words.Status), `success` (None while nobody knows), `exit_status,
    error_message`. Times are seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # The newest last.
        self._entries: dict[str, _Entry] = {}
        self._created: dict[_Key, str] = {}

    def register(self, workflow_id: str, batch_id: str, run_name: str) -> None:
        """Know of a run. What is known of it already stays; names that were missing
        are filled in."""
        with self._lock:
            self._register(workflow_id, batch_id, run_name)

    def create(self, call: Create, batch_id: str) -> str:
        """The id of the run that a create call is about; the same for a call that is
        sent twice.

        It is the id that the client asks for (TOWER_WORKFLOW_ID) if no other run has
        it, that of a run registered under this name, or one of our own: a second run
        of a name is another run.
        """
        key = (call.session_id, call.run_name, call.instant or 0)
        with self._lock:
            known = self._created.get(key) if call.instant is not None else None
            if known is not None:
                return known
            workflow_id = self._id_for(call, batch_id)
            entry = self._register(workflow_id, batch_id, call.run_name)
            entry.is_created, entry.session_id = True, call.session_id
            entry.updated_at = self._clock()
            if call.instant is not None:
                self._created[key] = workflow_id
            return workflow_id

    def begin(self, workflow_id: str, batch_id: str, run_name: str) -> None:
        """Its tasks are about to start."""
        with self._lock:
            self._hear(self._register(workflow_id, batch_id, run_name))

    def update_progress(
        self,
        workflow_id: str,
        progress: JsonObject | None,
        tasks: list[JsonObject] | None = None,
        instant: int | None = None,
    ) -> None:
        """Take Nextflow's `progress` and `tasks` over; a run that was not registered
        is now. What is empty or can't be read changes nothing: counters are
        replaced by counters only, and by none of an earlier `instant`.
        """
        body = {"progress": progress, "tasks": tasks, "instant": instant}
        update = read_update(body)
        with self._lock:
            entry = self._register(workflow_id, "", "")
            self._hear(entry)
            entry.count(update)
            entry.note_failures(update.tasks)

    def mark_complete(
        self,
        workflow_id: str,
        progress: JsonObject | None = None,
        workflow: JsonObject | None = None,
        instant: int | None = None,
    ) -> None:
        """The run is over. `workflow`, as Nextflow's complete has it, says how; where
        it never does that stays unknown."""
        body = {"progress": progress, "workflow": workflow, "instant": instant}
        call = read_complete(body)
        with self._lock:
            entry = self._register(workflow_id, "", call.run.run_name)
            entry.count(call)
            if workflow or not entry.is_complete:
                entry.run = call.run
                entry.status = verdict(call.run, entry.counters)
            entry.is_complete = True
            entry.updated_at = self._clock()

    def is_registered(self, workflow_id: str) -> bool:
        with self._lock:
            return workflow_id in self._entries

    def get_by_id(self, workflow_id: str) -> dict[str, Any] | None:
        with self._lock:
            entry = self._entries.get(workflow_id)
            return entry.state(self._clock()) if entry else None

    def get_by_batch(self, batch_id: str) -> dict[str, Any] | None:
        """The newest run of a batch."""
        with self._lock:
            entry = self._newest(batch_id)
            return entry.state(self._clock()) if entry else None

    def get_all(self) -> list[dict[str, Any]]:
        """The newest first."""
        with self._lock:
            now = self._clock()
            return [one.state(now) for one in reversed(self._entries.values())]

    def evict_old(self, max_age_seconds: float = 3600) -> int:
        """Forget the runs of which nothing was heard for so long; how many."""
        with self._lock:
            since = self._clock() - max_age_seconds
            old = {key for key, one in self._entries.items() if one.updated_at < since}
            for workflow_id in old:
                del self._entries[workflow_id]
            for key in [key for key, one in self._created.items() if one in old]:
                del self._created[key]
            return len(old)

    def workflow_id_for_batch(self, batch_id: str) -> str:
        """The id of the newest run of a batch; if there is none, the one that its
        first run will get."""
        with self._lock:
            newest = self._newest(batch_id)
            return newest.workflow_id if newest else _id_of_batch(batch_id)

    def _register(self, workflow_id: str, batch_id: str, run_name: str) -> _Entry:
        now = self._clock()
        entry = self._entries.get(workflow_id)
        if entry is None:
            entry = _Entry(workflow_id, batch_id or workflow_id, run_name, now, now)
            self._entries[workflow_id] = entry
        entry.run_name = entry.run_name or run_name
        if batch_id and entry.batch_id == workflow_id:
            entry.batch_id = batch_id
        return entry

    def _hear(self, entry: _Entry) -> None:
        entry.updated_at = self._clock()
        if not entry.is_complete:
            entry.status = Status.RUNNING

    def _newest(self, batch_id: str) -> _Entry | None:
        newest = reversed(self._entries.values())
        return next((one for one in newest if one.batch_id == batch_id), None)

    def _id_for(self, call: Create, batch_id: str) -> str:
        wanted = self._entries.get(call.workflow_id)
        if call.workflow_id and (wanted is None or not wanted.is_created):
            return call.workflow_id
        for entry in self._entries.values():
            if entry.run_name == call.run_name and not entry.is_created:
                return entry.workflow_id
        first = _id_of_batch(batch_id)
        if first not in self._entries:
            return first
        return secrets.token_hex(_ID_LENGTH // 2)


def _id_of_batch(batch_id: str) -> str:
    digest = hashlib.sha256(batch_id.encode("utf-8", "replace"))
    return digest.hexdigest()[:_ID_LENGTH]
