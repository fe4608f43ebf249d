"""What trace bodies say: their parsed JSON as records.

Keys and types: the nf-tower plugin of Nextflow 22.10 to 26.08. Any key may be missing
or null or of another type; what can't be read is skipped, and nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from turret.engine import values
from turret.engine.records import (
    Begin,
    Complete,
    Counters,
    Create,
    JsonObject,
    Process,
    Progress,
    Run,
    Task,
    Update,
)
from turret.words import ErrorAction, TaskStatus

_NAME = 255
_PROCESS_NAME = 600
_VERSION = 100
_INT32 = 1 << 31
_INT64 = 1 << 63
# Pasted into paths by the client, unencoded, and cut by it at 16 characters.
_WORKFLOW_ID = re.compile(r"(?!null\Z)[A-Za-z0-9_-]{1,16}")

_STATUSES = {status.upper(): status for status in TaskStatus}
_ERROR_ACTIONS = {action.upper(): action for action in ErrorAction}

Reader = Callable[[Any], Any]

_TASK_FIELDS: dict[str, tuple[str, Reader]] = {
    "taskId": ("task_id", values.int64),
    "hash": ("hash", values.text),
    "name": ("name", values.text),
    "process": ("process", values.text),
    "tag": ("tag", values.text),
    "exit": ("exit", values.exit_status),
    "submit": ("submitted_at", values.time),
    "start": ("started_at", values.time),
    "complete": ("completed_at", values.time),
    "duration": ("duration_ms", values.int64),
    "realtime": ("realtime_ms", values.int64),
    "pcpu": ("pcpu", values.real),
    "pmem": ("pmem", values.real),
    "rss": ("rss_bytes", values.int64),
    "vmem": ("vmem_bytes", values.int64),
    "peakRss": ("peak_rss_bytes", values.int64),
    "peakVmem": ("peak_vmem_bytes", values.int64),
    "rchar": ("rchar", values.int64),
    "wchar": ("wchar", values.int64),
    "readBytes": ("read_bytes", values.int64),
    "writeBytes": ("write_bytes", values.int64),
    "syscr": ("syscr", values.int64),
    "syscw": ("syscw", values.int64),
    "volCtxt": ("vol_ctxt", values.int64),
    "invCtxt": ("inv_ctxt", values.int64),
    "cpuModel": ("cpu_model", values.text),
    "attempt": ("attempt", values.int64),
    "cpus": ("cpus", values.int64),
    "memory": ("memory_bytes", values.int64),
    "disk": ("disk_bytes", values.int64),
    "time": ("time_ms", values.int64),
    "workdir": ("workdir", values.text),
    "queue": ("queue", values.text),
    "container": ("container", values.text),
    "hostname": ("hostname", values.text),
    "script": ("script", values.text),
    "scratch": ("scratch", values.text),
    "module": ("module", values.joined),
    "env": ("env", values.text),
    "nativeId": ("native_id", values.text),
    "executor": ("executor", values.text),
}
# With the type that needs no reading.
_TASK_READERS: dict[str, tuple[str, Reader, Any]] = {
    key: (field, read, {values.text: str, values.int64: int}.get(read))
    for key, (field, read) in _TASK_FIELDS.items()
}
# Those of words; a word that we don't know stays in `extra`.
_TASK_WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "status": ("status", _STATUSES),
    "errorAction": ("error_action", _ERROR_ACTIONS),
}
# The key on the wire -> the field of Task.
TASK_KEYS = {key: field for key, (field, _) in (_TASK_FIELDS | _TASK_WORDS).items()}

_RUN_READERS: dict[str, tuple[str, Reader]] = {
    "runName": ("run_name", lambda value: values.text(value, _NAME)),
    "sessionId": ("session_id", lambda value: values.text(value, _NAME)),
    "projectName": ("project_name", values.text),
    "repository": ("repository", values.text),
    "scriptId": ("script_id", values.text),
    "scriptName": ("script_name", values.text),
    "scriptFile": ("script_file", values.text),
    "commitId": ("commit_id", values.text),
    "revision": ("revision", values.text),
    "profile": ("profile", values.text),
    "userName": ("user_name", values.text),
    "commandLine": ("command_line", values.text),
    "container": ("container", values.text),
    "containerEngine": ("container_engine", values.text),
    "launchDir": ("launch_dir", values.text),
    "workDir": ("work_dir", values.text),
    "projectDir": ("project_dir", values.text),
    "outputDir": ("output_dir", values.text),
    "homeDir": ("home_dir", values.text),
    "configFiles": ("config_files", values.texts),
    "configText": ("config_text", values.text),
    "params": ("params", values.mapping),
    "manifest": ("manifest", values.mapping),
    "stats": ("stats", values.mapping),
    "start": ("started_at", values.time),
    "complete": ("completed_at", values.time),
    "duration": ("duration_ms", values.int64),
    "resume": ("resume", values.flag),
    "stubRun": ("stub_run", values.flag),
    "preview": ("preview", values.flag),
    "failOnIgnore": ("fail_on_ignore", values.flag),
    "success": ("success", values.flag),
    "exitStatus": ("exit_status", values.exit_status),
    "errorMessage": ("error_message", values.text),
    "errorReport": ("error_report", values.text),
}

_COUNTERS = {
    "pending": "pending",
    "submitted": "submitted",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cached": "cached",
    "ignored": "ignored",
    "retries": "retries",
    "aborted": "aborted",
    "loadCpus": "load_cpus",
    "loadMemory": "load_memory_bytes",
    "peakRunning": "peak_running",
    "peakCpus": "peak_cpus",
    "peakMemory": "peak_memory_bytes",
}


def read_create(body: JsonObject) -> Create:
    """A workflow id that can't be one counts as none."""
    workflow_id = values.text(body.get("workflowId"))
    return Create(
        session_id=values.text(body.get("sessionId"), _NAME),
        run_name=values.text(body.get("runName"), _NAME),
        project_name=values.text(body.get("projectName")),
        repository=values.text(body.get("repository")),
        workflow_id=workflow_id if _WORKFLOW_ID.fullmatch(workflow_id) else "",
        instant=values.int64(body.get("instant")),
    )


def read_begin(body: JsonObject) -> Begin:
    return Begin(
        run=_run(body.get("workflow")),
        process_names=values.texts(body.get("processNames"), _PROCESS_NAME),
        dag=values.mapping(body.get("dag")),
        instant=values.int64(body.get("instant")),
    )


def read_update(body: JsonObject) -> Update:
    """Of a progress or a heartbeat body."""
    tasks: dict[int, Task] = {}
    for record in values.items(body.get("tasks")):
        if isinstance(record, dict) and (task := _task(record)):
            tasks[task.task_id] = task
    return Update(
        tasks=list(tasks.values()),
        progress=read_progress(body.get("progress")),
        containers=values.mappings(body.get("containers")),
        instant=values.int64(body.get("instant")),
    )


def read_complete(body: JsonObject) -> Complete:
    return Complete(
        run=_run(body.get("workflow")),
        metrics=values.mappings(body.get("metrics")),
        progress=read_progress(body.get("progress")),
        instant=values.int64(body.get("instant")),
    )


def read_progress(value: object) -> Progress | None:
    """The counters of a `progress` object; None if it has none, so that what is
    known stays. Of equal names the last process counts."""
    if not isinstance(value, dict) or not (_COUNTERS.keys() & value.keys()):
        return None
    processes: dict[str, Process] = {}
    for item in values.items(value.get("processes")):
        if isinstance(item, dict) and (process := _process(item)):
            processes[process.name] = process
    return Progress(Counters(**_counts(value)), list(processes.values()))


def _process(item: JsonObject) -> Process | None:
    name = values.text(item.get("name"), _PROCESS_NAME)
    if not name:
        return None
    index = values.int64(item.get("index")) or 0
    return Process(
        **_counts(item),
        name=name,
        index=index if -_INT32 <= index < _INT32 else 0,
        stored=values.int64(item.get("stored")) or 0,
        terminated=values.flag(item.get("terminated")) or False,
    )


def _counts(item: JsonObject) -> dict[str, int]:
    return {field: values.int64(item.get(key)) or 0 for key, field in _COUNTERS.items()}


def _task(record: JsonObject) -> Task | None:
    task_id = values.int64(record.get("taskId"))
    if task_id is None:
        return None
    task = Task(task_id)
    for key, value in record.items():
        if value is None:
            continue
        if reader := _TASK_READERS.get(key):
            field, read, plain = reader
            # Most are of the right type, and calls for them would take a quarter of
            # the time: a run sends up to a hundred tasks a second.
            if type(value) is not plain or (plain is int and abs(value) >= _INT64):
                value = read(value)
            setattr(task, field, value)
        else:
            _read_other(task, key, value)
    return task


def _read_other(task: Task, key: str, value: object) -> None:
    field, known = _TASK_WORDS.get(key, ("", {}))
    if word := known.get(values.text(value).upper()):
        setattr(task, field, word)
    elif (kept := values.document(value)) is not None:
        task.extra[key] = kept


def _run(value: object) -> Run:
    run = Run()
    for key, item in value.items() if isinstance(value, dict) else ():
        if item is None or key == "id":
            continue
        if reader := _RUN_READERS.get(key):
            setattr(run, reader[0], reader[1](item))
        elif (kept := values.document(item)) is not None:
            run.extra[key] = kept
    nextflow = run.extra.get("nextflow")
    if isinstance(nextflow, dict):
        run.nextflow_version = values.text(nextflow.get("version"), _VERSION)
    return run
