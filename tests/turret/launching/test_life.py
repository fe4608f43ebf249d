"""The life of launches, with a stand-in for Nextflow: what ends them, and how."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from seqhub.lib import processes
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from tests.factories import HOST
from tests.turret.launching.site import (
    ACTOR,
    Site,
    command_of,
    end,
    files,
    look_until,
    state_of,
)
from turret.choices import LaunchState, Status
from turret.models import Launch
from turret.services.launching import stopping
from turret.services.launching.cancelling import cancel
from turret.services.launching.watching import Watch

pytestmark = pytest.mark.django_db(transaction=True)

SLEEPS = {"sleep": 600, "exit": 0}


def started(site: Site, **values: Any) -> Launch:
    """One that runs, and sleeps."""
    launch = site.submit(params=SLEEPS, **values)
    look_until(lambda: state_of(launch) == LaunchState.RUNNING)
    launch.refresh_from_db()
    return launch


def session(launch: Launch) -> int:
    assert launch.pid is not None
    return launch.pid


@pytest.mark.parametrize(
    ("code", "state", "status"),
    [
        (0, LaunchState.SUCCEEDED, Status.SUCCEEDED),
        (3, LaunchState.FAILED, Status.FAILED),
    ],
)
def test_its_exit_code_says_how_it_ended(
    site: Site, code: int, state: str, status: str
) -> None:
    launch = site.submit(params={"sleep": 0, "exit": code})
    end(launch)
    assert (launch.state, launch.exit_code) == (state, code)
    assert launch.workflow.status == status
    assert launch.started_at
    assert launch.finished_at
    kinds = Event.objects.filter(subject=launch.subject).values_list("kind", flat=True)
    assert f"launch_{state}" in kinds


def test_a_script_that_is_started_twice_runs_once(site: Site) -> None:
    launch = started(site)
    again = subprocess.run(["/bin/bash", files(launch).script], check=False)
    assert again.returncode == 0
    assert not files(launch).exit_code.exists()


def test_one_that_waits_is_cancelled_at_once(site: Site) -> None:
    launch = cancel(site.submit().pk, actor=ACTOR)
    assert launch.state == LaunchState.CANCELLED
    launch.workflow.refresh_from_db()
    assert launch.workflow.status == Status.CANCELLED
    Watch(HOST).look()
    assert not files(launch).directory.exists()


def test_one_whose_script_has_not_begun_never_begins(site: Site) -> None:
    launch = site.submit()
    Launch.objects.update(state=LaunchState.STARTING, cancel_asked_at=timezone.now())
    Watch(HOST).look()
    assert state_of(launch) == LaunchState.CANCELLED
    assert not files(launch).script.exists()


def test_a_running_one_is_cancelled_with_all_it_started(site: Site) -> None:
    launch = started(site)
    assert len(processes.session_members(session(launch))) > 2
    cancel(launch.pk, actor=ACTOR, reason="Wrong samples.")
    assert state_of(launch) == LaunchState.RUNNING
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert launch.workflow.status == Status.CANCELLED
    assert processes.session_members(session(launch)) == []


def test_to_cancel_twice_asks_once(site: Site) -> None:
    launch = started(site)
    asked_at = cancel(launch.pk, actor=ACTOR).cancel_asked_at
    assert cancel(launch.pk, actor=ACTOR).cancel_asked_at == asked_at
    asked = Event.objects.filter(kind="launch_cancel_asked")
    assert asked.count() == 1


def test_what_has_ended_is_not_cancelled(site: Site) -> None:
    launch = site.submit(params={"sleep": 0, "exit": 0})
    end(launch)
    with pytest.raises(IllegalTransition):
        cancel(launch.pk, actor=ACTOR)


def test_what_ignores_the_signal_is_killed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "GRACE", stopping.GRACE * 0)
    text = site.nextflow.read_text()
    site.nextflow.write_text(text.replace("#!/bin/bash", "#!/bin/bash\ntrap '' TERM"))
    launch = started(site)
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.CANCELLED, None)
    assert processes.session_members(session(launch)) == []


def kill(launch: Launch) -> None:
    """With all that it has started."""
    for member in processes.session_members(session(launch)):
        member.send(signal.SIGKILL)


def test_one_that_was_killed_is_lost(site: Site) -> None:
    launch = started(site)
    kill(launch)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.LOST, "lost")
    assert launch.workflow.status == Status.UNKNOWN
    attention = Attention.objects.get(subject=launch.subject)
    assert "killed" in attention.message


def test_one_that_was_killed_while_it_was_cancelled_is_cancelled(site: Site) -> None:
    launch = started(site)
    cancel(launch.pk, actor=ACTOR)
    kill(launch)
    end(launch)
    assert launch.state == LaunchState.CANCELLED


def test_the_exit_code_of_a_lost_one_may_turn_up(site: Site) -> None:
    launch = started(site)
    kill(launch)
    end(launch)
    files(launch).exit_code.write_text("0\n")
    Watch(HOST).look()
    assert state_of(launch) == LaunchState.SUCCEEDED
    assert not Attention.objects.filter(subject=launch.subject).exists()


@pytest.mark.parametrize(
    "other",
    [{"start_ticks": 1}, {"boot_id": "another boot"}],
    ids=["reused", "reboot"],
)
def test_another_process_of_its_number_is_left_alone(
    site: Site, other: dict[str, object]
) -> None:
    launch = started(site)
    kill(launch)
    # This very process has the number now.
    pid = os.getpid()
    same = processes.ProcessId.current()
    identity = {"pid": pid, "start_ticks": same.start_ticks, "boot_id": same.boot}
    Launch.objects.update(**identity | other, cancel_asked_at=timezone.now())
    end(launch)
    assert launch.state == LaunchState.CANCELLED


def test_after_a_reboot_it_is_lost_with_that_reason(site: Site) -> None:
    launch = started(site)
    kill(launch)
    Launch.objects.update(boot_id="another boot")
    end(launch)
    assert launch.state == LaunchState.LOST
    assert "started anew" in launch.message


def test_its_script_may_be_killed_while_nextflow_goes_on(site: Site) -> None:
    launch = started(site)
    processes.ProcessId.of(session(launch)).send(signal.SIGKILL)
    watch = Watch(HOST)
    watch.look()
    watch.look()
    assert state_of(launch) == LaunchState.RUNNING
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert processes.session_members(session(launch)) == []


def test_a_task_that_outlives_nextflow_is_ended_with_it(site: Site) -> None:
    text = site.nextflow.read_text()
    site.nextflow.write_text(text.replace("echo", "sleep 601 &\necho", 1))
    launch = started(site)
    script = processes.ProcessId.of(session(launch))
    for member in processes.session_members(script.pid):
        if b"601" not in command_of(member):
            member.send(signal.SIGKILL)
    end(launch)
    assert launch.state == LaunchState.LOST
    assert processes.session_members(script.pid) == []


def test_one_that_runs_for_too_long_has_failed(site: Site) -> None:
    launch = started(site, max_run_time_s=1)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "time_limit")
    assert processes.session_members(session(launch)) == []


def test_so_many_run_on_a_host_and_the_rest_wait_in_order(
    site: Site, settings: Settings
) -> None:
    site.launcher["max_concurrent"] = 2
    settings.CONFIG = site.config()
    launches = [site.submit(params=SLEEPS) for _ in range(4)]
    look_until(
        lambda: [state_of(row) for row in launches[:2]] == [LaunchState.RUNNING] * 2
    )
    assert [state_of(row) for row in launches[2:]] == [LaunchState.PENDING] * 2
    cancel(launches[0].pk, actor=ACTOR)
    look_until(lambda: state_of(launches[2]) == LaunchState.RUNNING)
    assert state_of(launches[3]) == LaunchState.PENDING


def test_two_of_one_name_run_beside_each_other(site: Site) -> None:
    launches = [
        site.submit(run_name="same", params={"sleep": 1, "exit": 0}) for _ in range(2)
    ]
    end(*launches)
    assert [row.state for row in launches] == [LaunchState.SUCCEEDED] * 2
    assert launches[0].launch_dir != launches[1].launch_dir
