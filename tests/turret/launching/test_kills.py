"""Workers that die by kill -9, and several that do the same at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from seqhub.lib import processes
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Event
from tests.turret.launching.site import (
    ACTOR,
    Site,
    end,
    look_until,
    printed,
    state_of,
)
from turret.choices import LaunchState
from turret.models import Launch
from turret.services.launching.cancelling import cancel
from turret.services.launching.resuming import resume

pytestmark = pytest.mark.django_db(transaction=True)


def worker(site: Site, step: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.turret.launching.worker", step],
        env=site.environment() | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(site: Site, step: str) -> None:
    dying = worker(site, step)
    _, said = dying.communicate()
    assert dying.returncode == -signal.SIGKILL, said


def both(ask: Callable[[], object]) -> list[object]:
    """What two get who ask at once; refusals, too."""

    def asked(_: int) -> object:
        try:
            return ask()
        except IllegalTransition as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(asked, range(2)))


@pytest.mark.parametrize("step", ["claimed", "prepared", "spawned", "known"])
def test_a_worker_killed_at_any_step_leaves_one_nextflow(site: Site, step: str) -> None:
    launch = site.submit(params={"sleep": 1, "exit": 0})
    kill_at(site, step)
    assert state_of(launch) == LaunchState.STARTING
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED
    assert printed(launch).count("a stand-in for Nextflow") == 1


def test_why_it_can_not_begin_is_told_by_the_next_worker(
    site: Site, settings: Settings
) -> None:
    site.launcher["nextflow"] = "/nowhere/nextflow"
    settings.CONFIG = site.config()
    launch = site.submit()
    kill_at(site, "given_up")
    assert state_of(launch) == LaunchState.STARTING
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "no_nextflow")


def test_what_was_mended_meanwhile_begins(site: Site, settings: Settings) -> None:
    nextflow = site.nextflow.rename(site.directory / "away")
    launch = site.submit(params={"sleep": 0, "exit": 0})
    kill_at(site, "given_up")
    nextflow.rename(site.nextflow)
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED


def test_one_given_up_may_still_be_cancelled(site: Site) -> None:
    site.nextflow.unlink()
    launch = site.submit()
    kill_at(site, "given_up")
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert launch.state == LaunchState.CANCELLED


def test_an_end_that_was_seen_and_not_kept_is_seen_again(site: Site) -> None:
    launch = site.submit(params={"sleep": 0, "exit": 3})
    kill_at(site, "ended")
    assert state_of(launch) in (LaunchState.STARTING, LaunchState.RUNNING)
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.FAILED, 3)


def test_two_workers_at_once_start_each_launch_once(site: Site) -> None:
    launches = [site.submit(params={"sleep": 1, "exit": 0}) for _ in range(3)]
    for process in [worker(site, "none") for _ in range(2)]:
        _, said = process.communicate()
        assert process.returncode == 0, said
    for launch in launches:
        assert state_of(launch) == LaunchState.SUCCEEDED
        assert printed(launch).count("a stand-in for Nextflow") == 1
    ends = Event.objects.filter(kind="launch_succeeded")
    assert ends.count() == len(launches)


def test_two_clicks_on_cancel_ask_once(site: Site) -> None:
    launch = site.submit(params={"sleep": 600, "exit": 0})
    look_until(lambda: state_of(launch) == LaunchState.RUNNING)
    found = both(lambda: cancel(launch.pk, actor=ACTOR).pk)
    assert found == [launch.pk] * 2
    assert Event.objects.filter(kind="launch_cancel_asked").count() == 1


def test_two_clicks_on_cancel_of_one_that_waits_end_it_once(site: Site) -> None:
    launch = site.submit()
    found = both(lambda: cancel(launch.pk, actor=ACTOR).pk)
    assert sorted(map(str, found)) != [str(launch.pk)] * 2
    assert Event.objects.filter(kind="launch_cancelled").count() == 1


def test_two_clicks_on_resume_make_one_launch(site: Site) -> None:
    first = site.submit(params={"sleep": 0, "exit": 0})
    end(first)
    pk, user = first.workflow_id, site.user
    found = both(lambda: resume(pk, user=user, actor=ACTOR, changes={}))
    assert sorted(type(each).__name__ for each in found) == [
        "IllegalTransition",
        "Launch",
    ]
    assert Launch.objects.filter(parent=first).count() == 1


@pytest.mark.parametrize("moment", ["claimed", "prepared", "spawned"])
def test_one_that_is_cancelled_while_it_starts_runs_no_longer(
    site: Site, moment: str
) -> None:
    launch = site.submit(params={"sleep": 600, "exit": 0})
    kill_at(site, moment)
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert launch.pid is None or processes.session_members(launch.pid) == []
