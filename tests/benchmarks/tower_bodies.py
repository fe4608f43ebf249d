"""Bodies as Nextflow sends them while tasks move on, made before anything is timed."""

from __future__ import annotations

import json
from typing import Any

PROCESSES = 10
_SECOND_MS = 1000
_BEGAN_MS = 1_787_400_000_000
_STEPS = ("SUBMITTED", "RUNNING", "COMPLETED")
# With it a task record has 1.3 kB, as those of nf-core's pipelines.
_SCRIPT = "samtools sort -@ 4 -m 2G -o sorted.bam input.bam && samtools index x\n" * 6
_MEASURED = {
    "complete": "2026-08-22T10:01:05.123+02:00",
    "duration": 65_123,
    "realtime": 61_000,
    "pcpu": 187.3,
    "cpuModel": "AMD EPYC 7763 64-Core Processor",
    "rchar": 812_345_678,
    "wchar": 412_345_678,
    "syscr": 91_234,
    "syscw": 41_234,
    "readBytes": 512_000_000,
    "writeBytes": 312_000_000,
    "pmem": 3.1,
    "vmem": 4_812_345_344,
    "rss": 2_112_345_088,
    "peakVmem": 4_912_345_088,
    "peakRss": 2_212_345_856,
    "volCtxt": 4123,
    "invCtxt": 812,
}


def create(name: str, instant: int) -> bytes:
    body = {
        "sessionId": "6f1e0000-0000-4000-8000-000000000000",
        "runName": name,
        "projectName": "nf-core/demo",
        "repository": "https://github.com/nf-core/demo",
        "workflowId": None,
        "instant": instant,
    }
    return _encode(body)


def begin() -> bytes:
    workflow = {
        "projectName": "nf-core/demo",
        "commandLine": "nextflow run nf-core/demo",
    }
    names = [_process(number) for number in range(PROCESSES)]
    return _encode({"workflow": workflow, "processNames": names, "instant": _BEGAN_MS})


def progresses(requests: int, tasks: int) -> list[bytes]:
    """`requests` bodies of `tasks` records; each task comes three times in a row."""
    return [_progress(number, tasks) for number in range(requests)]


def complete(requests: int, tasks: int) -> bytes:
    body = {
        "workflow": {"success": True, "exitStatus": 0, "duration": 3_600_000},
        "metrics": [],
        "progress": _counters(-(-requests // len(_STEPS)) * tasks),
        "instant": _BEGAN_MS + requests * _SECOND_MS,
    }
    return _encode(body)


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _progress(number: int, tasks: int) -> bytes:
    window, step = divmod(number, len(_STEPS))
    first = window * tasks + 1
    body = {
        "tasks": [_task(first + offset, _STEPS[step]) for offset in range(tasks)],
        "progress": _counters(window * tasks),
        "instant": _BEGAN_MS + (number + 1) * _SECOND_MS,
    }
    return _encode(body)


def _task(task_id: int, status: str) -> dict[str, Any]:
    record = {
        "taskId": task_id,
        "status": status,
        "hash": f"{task_id % 256:02x}/{task_id:06x}",
        "name": f"{_process(task_id % PROCESSES)} (sample{task_id})",
        "exit": 0 if status == "COMPLETED" else 2147483647,
        "submit": "2026-08-22T10:00:00.001+02:00",
        "start": "2026-08-22T10:00:04.123+02:00",
        "process": _process(task_id % PROCESSES),
        "tag": f"sample{task_id}",
        "module": [],
        "container": "quay.io/biocontainers/samtools:1.21--h50ea8bc_0",
        "attempt": 1,
        "script": _SCRIPT,
        "scratch": None,
        "workdir": f"/scratch/work/{task_id % 256:02x}/{task_id:030x}",
        "queue": "core",
        "cpus": 4,
        "memory": 8_589_934_592,
        "disk": None,
        "time": 14_400_000,
        "env": None,
        "errorAction": None,
        "nativeId": 812_000 + task_id,
        "executor": "slurm",
        "cloudZone": None,
        "machineType": None,
        "priceModel": None,
    }
    return record | _MEASURED if status == "COMPLETED" else record


def _process(number: int) -> str:
    return f"NFCORE_DEMO:DEMO:STEP_{number}"


def _counters(succeeded: int) -> dict[str, Any]:
    processes = [
        {
            "index": number,
            "name": _process(number),
            "pending": 0,
            "submitted": 2,
            "running": 4,
            "succeeded": succeeded // PROCESSES,
            "cached": 0,
            "failed": 0,
            "aborted": 0,
            "stored": 0,
            "ignored": 0,
            "retries": 0,
            "terminated": False,
            "loadCpus": 16,
            "loadMemory": 34_359_738_368,
            "peakRunning": 4,
            "peakCpus": 16,
            "peakMemory": 34_359_738_368,
        }
        for number in range(PROCESSES)
    ]
    return {
        "pending": 0,
        "submitted": 20,
        "running": 40,
        "succeeded": succeeded,
        "failed": 0,
        "cached": 0,
        "ignored": 0,
        "retries": 0,
        "aborted": 0,
        "loadCpus": 160,
        "loadMemory": 343_597_383_680,
        "peakRunning": 40,
        "peakCpus": 160,
        "peakMemory": 343_597_383_680,
        "processes": processes,
    }
