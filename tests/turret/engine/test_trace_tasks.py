"""Trace bodies as records: what they say of tasks and processes."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.turret.engine.recorded import everything, last, sent
from turret.engine.body import parse
from turret.engine.records import Counters, Process, Task
from turret.engine.trace import (
    TASK_KEYS,
    read_progress,
    read_update,
)
from turret.words import ErrorAction, TaskStatus

# What tasks have beside the fields of Task: of clouds, and of 25.10 and newer.
EXTRA = {
    "machineType",
    "cloudZone",
    "priceModel",
    "accelerator",
    "acceleratorType",
    "numSpotInterruptions",
    "logStreamId",
    "resourceAllocation",
    "gpuMetrics",
}
TEN = datetime(2026, 8, 22, 10, tzinfo=UTC)


def one_task(**record: Any) -> Task:
    (task,) = read_update({"tasks": [{"taskId": 1, **record}]}).tasks
    return task


def test_every_field_of_a_task_has_a_key() -> None:
    assert set(TASK_KEYS.values()) | {"extra"} == {f.name for f in fields(Task)}


def test_every_key_that_nextflow_sent_of_a_task_is_known() -> None:
    keys = {
        key
        for call in everything()
        for task in call.body.get("tasks", [])
        for key in task
    }
    assert len(keys) > 40
    assert keys - TASK_KEYS.keys() <= EXTRA


def test_every_field_of_a_task() -> None:
    record = {
        "taskId": 3, "status": "FAILED", "hash": "3e/44d0aa", "name": "A:B (S1)",
        "process": "A:B", "tag": "S1", "exit": 137,
        "submit": "2026-08-22T12:00+02:00", "start": "2026-08-22T12:00:01+02:00",
        "complete": "2026-08-22T12:00:02.5+02:00", "duration": 2500, "realtime": 1500,
        "pcpu": 312.4, "pmem": 1.9, "rss": 1, "vmem": 2, "peakRss": 3, "peakVmem": 4,
        "rchar": 5, "wchar": 6, "readBytes": 7, "writeBytes": 8, "syscr": 9,
        "syscw": 10, "volCtxt": 11, "invCtxt": 12, "cpuModel": "Xeon", "attempt": 2,
        "cpus": 4, "memory": 13, "disk": 14, "time": 15, "workdir": "/w",
        "queue": "long", "container": "c:1", "hostname": "n1", "script": "run",
        "scratch": False, "module": ["m/1", "n/2"], "env": "A=1\n",
        "errorAction": "IGNORE", "nativeId": "81234", "executor": "slurm",
        "machineType": "m5", "gpuMetrics": {"mem": 1},
    }  # fmt: skip
    assert read_update({"tasks": [record]}).tasks == [
        Task(
            task_id=3,
            status=TaskStatus.FAILED,
            hash="3e/44d0aa",
            name="A:B (S1)",
            process="A:B",
            tag="S1",
            exit=137,
            submitted_at=TEN,
            started_at=TEN + timedelta(seconds=1),
            completed_at=TEN + timedelta(seconds=2.5),
            duration_ms=2500,
            realtime_ms=1500,
            pcpu=312.4,
            pmem=1.9,
            rss_bytes=1,
            vmem_bytes=2,
            peak_rss_bytes=3,
            peak_vmem_bytes=4,
            rchar=5,
            wchar=6,
            read_bytes=7,
            write_bytes=8,
            syscr=9,
            syscw=10,
            vol_ctxt=11,
            inv_ctxt=12,
            cpu_model="Xeon",
            attempt=2,
            cpus=4,
            memory_bytes=13,
            disk_bytes=14,
            time_ms=15,
            workdir="/w",
            queue="long",
            container="c:1",
            hostname="n1",
            script="run",
            scratch="false",
            module="m/1,n/2",
            env="A=1\n",
            error_action=ErrorAction.IGNORE,
            native_id="81234",
            executor="slurm",
            extra={"machineType": "m5", "gpuMetrics": {"mem": 1}},
        )
    ]


def test_the_tasks_that_nextflow_sent_are_all_read() -> None:
    for call in everything():
        if "tasks" in call.body:
            ids = [task["taskId"] for task in call.body["tasks"]]
            read = [task.task_id for task in read_update(call.body).tasks]
            assert read == ids


def test_of_a_task_that_comes_twice_the_last_one_counts() -> None:
    update = read_update(
        {
            "tasks": [
                {"taskId": 1, "status": "RUNNING"},
                {"taskId": 2, "status": "NEW"},
                {"taskId": "1", "status": "COMPLETED"},
            ]
        }
    )
    assert {task.task_id: task.status for task in update.tasks} == {
        1: TaskStatus.COMPLETED,
        2: TaskStatus.NEW,
    }


@pytest.mark.parametrize(
    "body", [{}, {"tasks": []}, {"tasks": None}, {"progress": None, "instant": None}]
)
def test_an_update_may_be_empty(body: dict[str, Any]) -> None:
    update = read_update(body)
    assert (update.tasks, update.progress, update.containers) == ([], None, [])
    assert update.instant is None


def test_a_heartbeat_that_nextflow_sent() -> None:
    body = last("heartbeat", "heartbeat")
    update = read_update(body)
    assert update.tasks == []
    assert update.progress
    assert update.progress.counters.running == body["progress"]["running"]


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        ({"exit": 2147483647}, "exit", None),
        ({"exit": "0"}, "exit", 0),
        ({"exit": None}, "exit", None),
        ({"nativeId": 1234}, "native_id", "1234"),
        ({"nativeId": "1234.pbs"}, "native_id", "1234.pbs"),
        ({"scratch": True}, "scratch", "true"),
        ({"scratch": "/tmp"}, "scratch", "/tmp"),
        ({"module": []}, "module", ""),
        ({"module": ["a/1"]}, "module", "a/1"),
        ({"submit": "2026-08-22T10:00Z"}, "submitted_at", TEN),
        ({"start": "garbage"}, "started_at", None),
        ({"complete": ""}, "completed_at", None),
        ({"name": "ODD (🧬)"}, "name", "ODD (🧬)"),
        ({"tag": "中文 שלום"}, "tag", "中文 שלום"),
        ({"rss": 2**63}, "rss_bytes", None),
        ({"memory": -(2**63) - 1}, "memory_bytes", None),
        ({"rchar": 10**400}, "rchar", None),
        ({"cpus": 1.5}, "cpus", None),
        ({"cpus": "4"}, "cpus", 4),
        ({"cpus": {"a": 4}}, "cpus", None),
        ({"duration": -5}, "duration_ms", -5),
        ({"pcpu": 6400.0}, "pcpu", 6400.0),
        ({"name": 5}, "name", "5"),
        ({"workdir": "x" * 5000}, "workdir", "x" * 5000),
        ({"status": "CACHED"}, "status", TaskStatus.CACHED),
        ({"status": None}, "status", TaskStatus.OTHER),
        ({"status": "STORED"}, "status", TaskStatus.OTHER),
        ({"status": "STORED"}, "extra", {"status": "STORED"}),
        ({"status": 5}, "extra", {"status": 5}),
        ({"errorAction": "RETRY"}, "error_action", ErrorAction.RETRY),
        ({"errorAction": "FOO"}, "error_action", None),
        ({"errorAction": "FOO"}, "extra", {"errorAction": "FOO"}),
        ({"gpuMetrics": {"peak_mem": 5}}, "extra", {"gpuMetrics": {"peak_mem": 5}}),
        ({"machineType": None, "new": 1}, "extra", {"new": 1}),
    ],
)  # fmt: skip
def test_fields_of_a_task(record: dict[str, Any], field: str, value: object) -> None:
    assert getattr(one_task(**record), field) == value


@pytest.mark.parametrize("task_id", [None, "x", 2**63, 1.5, True, [], "", float("inf")])
def test_a_task_without_an_id_is_skipped(task_id: object) -> None:
    body = {"tasks": [{"taskId": task_id, "name": "A"}, {"taskId": 2}, 5, None, []]}
    assert [task.task_id for task in read_update(body).tasks] == [2]


def test_an_aborted_task_has_ended_without_times() -> None:
    records = [
        task
        for call in sent("cancelled-int")
        for task in call.body.get("tasks", [])
        if task["status"] == "ABORTED"
    ]
    assert records
    for task in read_update({"tasks": records}).tasks:
        assert task.status.is_final
        assert (task.exit, task.completed_at, task.duration_ms) == (None, None, None)


def test_an_attempt_and_its_retry_are_two_tasks() -> None:
    update = read_update(
        {
            "tasks": [
                {"taskId": 3, "name": "A (1)", "status": "FAILED", "attempt": 1,
                 "errorAction": "RETRY", "exit": 137},
                {"taskId": 9, "name": "A (1)", "status": "COMPLETED", "attempt": 2},
            ]
        }
    )  # fmt: skip
    assert [(task.attempt, task.error_action) for task in update.tasks] == [
        (1, ErrorAction.RETRY),
        (2, None),
    ]


@pytest.mark.parametrize("progress", [None, [], {}, "x", 5, {"unknown": 1}])
def test_progress_without_counters_is_none(progress: object) -> None:
    assert read_progress(progress) is None


def test_counters_that_can_not_be_read_are_zero() -> None:
    progress = read_progress(
        {
            "succeeded": "4",
            "failed": None,
            "running": -1,
            "cached": 2**63,
            "peakMemory": 2**40,
            "loadMemory": {},
            "processes": {"name": "A"},
        }
    )
    assert progress
    assert progress.counters == Counters(
        succeeded=4, running=-1, peak_memory_bytes=2**40
    )
    assert progress.processes == []


def test_processes_are_named_once() -> None:
    long = "P" * 700
    progress = read_progress(
        {
            "succeeded": 1,
            "processes": [
                {"name": "A", "succeeded": 1, "terminated": "yes"},
                {"name": "A", "succeeded": 2, "stored": 7, "terminated": True},
                {"name": long, "succeeded": 3},
                {"name": f"{long}Q", "succeeded": 4, "index": 2**31},
                {"name": "B", "index": 2**31 - 1, "loadMemory": 5},
                {"name": None, "succeeded": 5},
                {"succeeded": 6},
                5,
            ],
        }
    )
    assert progress
    assert progress.processes == [
        Process(name="A", succeeded=2, stored=7, terminated=True),
        Process(name="P" * 600, succeeded=4),
        Process(name="B", index=2**31 - 1, load_memory_bytes=5),
    ]


def test_images_of_containers_are_kept() -> None:
    image = {"targetImage": "wave.example/x", "requestTime": "2026-08-22T10:00:04Z"}
    assert read_update({"containers": [image, "x"]}).containers == [image]


def test_a_batch_of_long_scripts_is_read_whole() -> None:
    script = "\\u4e2d" * 10_240
    tasks = ",".join(f'{{"taskId":{n},"script":"{script}"}}' for n in range(100))
    update = read_update(parse(f'{{"tasks":[{tasks}]}}'.encode()))
    assert len(update.tasks) == 100
    assert {task.script for task in update.tasks} == {"中" * 10_240}
