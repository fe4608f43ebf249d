"""What the tasks of a run have used, added up as Seqera Platform does."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import F, FloatField, Q, Sum
from django.db.models.functions import Cast

from turret.api.rows import is_over, shown_counters
from turret.choices import TaskStatus
from turret.engine.records import Counters
from turret.models import Workflow

MAX_INT = 2**63 - 1
# What cached tasks used was used by an earlier run.
_RAN = (TaskStatus.COMPLETED, TaskStatus.FAILED)


def _real(column: str) -> Cast:
    return Cast(F(column), FloatField())


# Times in ms of one core, the rest in bytes and numbers. As floats: what a client
# makes up may be more than an integer holds, and must not be infinite either.
_USED: dict[str, Sum] = {
    "cpus": Sum(_real("cpus")),
    "cpuTime": Sum(_real("cpus") * _real("realtime_ms")),
    "cpuLoad": Sum(
        _real("pcpu") * _real("realtime_ms") / 100, filter=Q(pcpu__range=(0, 1e6))
    ),
    "memoryRss": Sum(_real("peak_rss_bytes")),
    "memoryReq": Sum(_real("memory_bytes")),
    "readBytes": Sum(_real("read_bytes")),
    "writeBytes": Sum(_real("write_bytes")),
    "volCtxSwitch": Sum(_real("vol_ctxt")),
    "invCtxSwitch": Sum(_real("inv_ctxt")),
}


def progress_shape(workflow: Workflow) -> dict[str, Any]:
    """`progress`, of the run and of each process. Two queries."""
    over = is_over(workflow)
    used = _usage(workflow)
    total: Counter[str] = Counter()
    for amounts in used.values():
        total.update(amounts)
    each = [
        {
            "process": row.name,
            **_shape(shown_counters(row, over=over), used.get(row.name, Counter())),
        }
        for row in workflow.processes.all()
    ]
    return {
        "workflowProgress": _shape(shown_counters(workflow, over=over), total),
        "processesProgress": each,
        "totalProcesses": len(each),
    }


def _usage(workflow: Workflow) -> dict[str, Counter[str]]:
    """By the name of the process."""
    # Some of the names are columns of tasks as well.
    sums = {f"sum_{key}": total for key, total in _USED.items()}
    ran = workflow.tasks.filter(status__in=_RAN).order_by()
    rows = ran.values("process").annotate(**sums).values_list("process", *sums)
    return {
        process: Counter(dict(zip(_USED, map(_int, amounts), strict=True)))
        for process, *amounts in rows
    }


def _shape(counters: Counters, used: Counter[str]) -> dict[str, Any]:
    """Every integer is sent, and none is negative: clients unbox them."""
    return {
        "pending": _int(counters.pending),
        "submitted": _int(counters.submitted),
        "running": _int(counters.running),
        "succeeded": _int(counters.succeeded),
        "failed": _int(counters.failed),
        "cached": _int(counters.cached),
        "aborted": _int(counters.aborted),
        "retries": _int(counters.retries),
        "ignored": _int(counters.ignored),
        "loadTasks": _int(counters.running),
        "loadCpus": _int(counters.load_cpus),
        "loadMemory": _int(counters.load_memory_bytes),
        "peakTasks": _int(counters.peak_running),
        "peakCpus": _int(counters.peak_cpus),
        "peakMemory": _int(counters.peak_memory_bytes),
        **{key: _int(used[key]) for key in _USED},
        "cpuEfficiency": _percent(used["cpuLoad"], used["cpuTime"]),
        "memoryEfficiency": _percent(used["memoryRss"], used["memoryReq"]),
    }


def _int(value: float | None) -> int:
    return min(max(int(value or 0), 0), MAX_INT)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
