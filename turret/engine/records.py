"""What a trace body says, read and cleaned: the same for the server and the library.

All values fit into PostgreSQL: text without U+0000 and lone surrogates, integers of
64 bits, finite floats, aware times. What was missing or could not be read is None
or empty. Run names and session ids have at most 255 characters, names of processes
600; what is longer is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from turret.words import ErrorAction, TaskStatus

JsonObject = dict[str, Any]


@dataclass(slots=True)
class Task:
    """A task record. Durations in ms, sizes in bytes, as Nextflow sends them.

    Keys: Nextflow's TraceRecord; `extra` has those that have no field here, as sent.
    """

    task_id: int
    status: TaskStatus = TaskStatus.OTHER
    hash: str = ""
    name: str = ""
    process: str = ""
    tag: str = ""
    exit: int | None = None  # None: not known (2147483647 on the wire)
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None  # submit to complete
    realtime_ms: int | None = None
    pcpu: float | None = None  # 100 is one core
    pmem: float | None = None
    rss_bytes: int | None = None
    vmem_bytes: int | None = None
    peak_rss_bytes: int | None = None
    peak_vmem_bytes: int | None = None
    rchar: int | None = None
    wchar: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None
    syscr: int | None = None
    syscw: int | None = None
    vol_ctxt: int | None = None
    inv_ctxt: int | None = None
    cpu_model: str = ""
    attempt: int | None = None
    cpus: int | None = None  # asked for, as the next three
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    time_ms: int | None = None
    workdir: str = ""
    queue: str = ""
    container: str = ""
    hostname: str = ""
    script: str = ""
    scratch: str = ""
    module: str = ""  # names, joined by commas
    env: str = ""
    error_action: ErrorAction | None = None
    native_id: str = ""
    executor: str = ""
    extra: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Counters:
    """Tasks of a workflow or a process by state: snapshots, to be replaced, never
    added. `failed` holds those that were retried or ignored, too."""

    pending: int = 0
    submitted: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cached: int = 0
    ignored: int = 0
    retries: int = 0
    aborted: int = 0
    load_cpus: int = 0
    load_memory_bytes: int = 0
    peak_running: int = 0
    peak_cpus: int = 0
    peak_memory_bytes: int = 0


@dataclass(slots=True)
class Process(Counters):
    """A process as `progress.processes` has it; `name` is fully qualified."""

    name: str = ""
    index: int = 0
    stored: int = 0
    terminated: bool = False


@dataclass(slots=True)
class Progress:
    counters: Counters
    processes: list[Process] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """The `workflow` object of begin and complete.

    None or empty where it was not sent: what is stored stays then. `extra` has the
    keys without a field (wave, fusion, platform, logFile, ...).
    """

    run_name: str = ""
    session_id: str = ""
    project_name: str = ""
    repository: str = ""
    script_id: str = ""
    script_name: str = ""
    script_file: str = ""
    commit_id: str = ""
    revision: str = ""
    profile: str = ""
    user_name: str = ""  # of the operating system
    command_line: str = ""
    container: str = ""
    container_engine: str = ""
    launch_dir: str = ""
    work_dir: str = ""
    project_dir: str = ""
    output_dir: str = ""
    home_dir: str = ""
    nextflow_version: str = ""
    config_files: list[str] | None = None
    config_text: str = ""
    params: JsonObject | None = None
    manifest: JsonObject | None = None
    stats: JsonObject | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    resume: bool | None = None
    stub_run: bool | None = None
    preview: bool | None = None
    fail_on_ignore: bool | None = None
    # Means something in `complete` only: it is false at begin.
    success: bool | None = None
    exit_status: int | None = None
    error_message: str = ""
    error_report: str = ""
    extra: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Create:
    """`instant` is the client's clock, ms since 1970; a retry has the same one."""

    session_id: str
    run_name: str
    project_name: str
    repository: str
    workflow_id: str  # of TOWER_WORKFLOW_ID; empty: we choose
    instant: int | None


@dataclass(slots=True)
class Begin:
    run: Run
    process_names: list[str]
    dag: JsonObject | None
    instant: int | None


@dataclass(slots=True)
class Update:
    """A progress or heartbeat body."""

    tasks: list[Task]  # each task_id once: the last one
    progress: Progress | None
    containers: list[JsonObject]
    instant: int | None


@dataclass(slots=True)
class Complete:
    run: Run
    metrics: list[JsonObject]
    progress: Progress | None
    instant: int | None
