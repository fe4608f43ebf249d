"""Runs of the real Nextflow, followed while they run."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from seqhub.lib import processes
from tests.nextflow.runs import PATIENCE_S, PIPELINES, end, environment
from tests.turret.services.launching_files import launch_in, tasks_of
from turret.choices import LaunchState
from turret.engine.launching.command import argv_of, config_of, params_of
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.plan import Plan
from turret.models import Launch, Workflow
from turret.services.launching.following import finish, follow

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def start(
    nextflow: Path, launch: Launch, pipeline: str, **known: object
) -> subprocess.Popen[bytes]:
    files = LaunchFiles(Path(launch.directory))
    plan = Plan(
        files,
        nextflow=str(nextflow),
        source=str(PIPELINES / pipeline),
        run_name=launch.run_name,
        launch_dir=files.launch_dir,
        **{"work_dir": files.work_dir, **known},  # type: ignore[arg-type]
    )
    files.launch_dir.mkdir()
    files.params.write_text(params_of(plan))
    files.config.write_text(config_of(plan))
    env = environment(files.directory)
    env["NXF_CACHE_DIR"] = str(plan.work_dir.parent / ".nextflow")
    with files.output.open("wb") as output:
        return processes.spawn(
            argv_of(plan), cwd=files.launch_dir, env=env, output=output
        )


def follow_until(launch: Launch, look: Callable[[], object]) -> None:
    """Look as the watcher does, but more often."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, tasks_of(launch)
        follow(launch)
        time.sleep(0.05)


def follow_to_the_end(launch: Launch, process: subprocess.Popen[bytes]) -> Workflow:
    try:
        follow_until(launch, lambda: process.poll() is not None)
    finally:
        end(process)
    return ended(launch, process.returncode)


def ended(launch: Launch, exit_code: int) -> Workflow:
    launch.state = LaunchState.FAILED if exit_code else LaunchState.SUCCEEDED
    launch.exit_code, launch.finished_at = exit_code, timezone.now()
    launch.save()
    finish(launch)
    return Workflow.objects.get(pk=launch.workflow_id)


def test_a_task_is_seen_running_and_stopped(nextflow: Path, tmp_path: Path) -> None:
    launch = launch_in(tmp_path / "a")
    process = start(nextflow, launch, "sleeps", params={"samples": "å"})
    quick, slow = "QUICK (å)", "SLEEP (å)"
    wanted = [(0, slow, "running"), (1, quick, "completed")]
    try:
        follow_until(launch, lambda: len(tasks_of(launch)) == 2)
        follow_until(launch, lambda: tasks_of(launch) == wanted)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
    finally:
        end(process)
    workflow = ended(launch, process.returncode)
    assert tasks_of(launch) == [(1, quick, "completed"), (2, slow, "aborted")]
    assert (workflow.status, workflow.error_report) == ("cancelled", "SIGTERM")


def test_ignored_failures_are_told_from_others(nextflow: Path, tmp_path: Path) -> None:
    launch = launch_in(tmp_path / "a")
    ignore = "process { withName: WORK { errorStrategy = 'ignore' } }\n"
    workflow = follow_to_the_end(
        launch, start(nextflow, launch, "fails", configs=(ignore,))
    )
    assert workflow.status == "succeeded"
    told = (workflow.succeeded, workflow.failed, workflow.ignored, workflow.retries)
    assert told == (2, 1, 1, 0)
    failed = workflow.tasks.get(status="failed")
    assert (failed.exit, failed.error_action) == (137, "ignore")
    assert "exit 137" in failed.script


def test_a_resumed_run_takes_what_is_there(nextflow: Path, tmp_path: Path) -> None:
    first, second = launch_in(tmp_path / "a"), launch_in(tmp_path / "b")
    done = follow_to_the_end(first, start(nextflow, first, "fails"))
    assert done.status == "failed"
    assert (done.failed, done.retries, done.exit_status) == (2, 1, 1)
    assert "terminated with an error exit status (137)" in done.error_message
    again = start(
        nextflow,
        second,
        "fails",
        work_dir=tmp_path / "a" / "work",
        session=done.session_id,
        params={"samples": "a,c"},
    )
    resumed = follow_to_the_end(second, again)
    assert (resumed.status, resumed.session_id) == ("succeeded", done.session_id)
    assert resumed.cached >= 1
    assert resumed.cached + resumed.succeeded == 2


ODD_TAGS = r"""
process ODD {
    tag { what }
    errorStrategy { task.attempt < 2 ? 'retry' : 'ignore' }
    input: val what
    script:
    '''
    # 1\u001f2
    sleep 0.3
    '''.stripIndent() + (what == 'bad' ? 'exit 7' : '')
}
workflow {
    ODD(Channel.of('two\nlines', 'a\ttab', 'a\u001fb', 'p (q) (r', '日本', 'bad'))
}
"""


def test_odd_tags_make_no_other_task_or_process(nextflow: Path, tmp_path: Path) -> None:
    (tmp_path / "main.nf").write_text(ODD_TAGS)
    launch = launch_in(tmp_path / "a")
    row = follow_to_the_end(launch, start(nextflow, launch, str(tmp_path)))
    # Nextflow's own wrapper fails where a name has two lines.
    tags = [
        "two\nlines",
        "two\nlines",
        "a\ttab",
        "a\x1fb",
        "p (q) (r",
        "日本",
        "bad",
        "bad",
    ]
    tasks = row.tasks.order_by("task_id")
    assert [(task.task_id > 0, task.process) for task in tasks] == [(True, "ODD")] * 8
    assert sorted(task.tag for task in tasks) == sorted(tags)
    process = row.processes.get()
    for counted in (row, process):  # by Nextflow, and by us
        assert (counted.succeeded, counted.failed) == (4, 4)
        assert (counted.retries, counted.ignored, counted.running) == (2, 2, 0)
