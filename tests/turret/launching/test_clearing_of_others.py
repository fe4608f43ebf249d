"""What is not the launch's own to clear, or what others still need."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention
from tests.archiving.commands.shell import call
from tests.factories import HOST
from tests.staff import staff
from tests.turret.factories import ComputeFactory, WorkflowFactory
from tests.turret.launching.ended import WORK, fill, gone_on_with, is_there, worked
from tests.turret.launching.site import ACTOR, Site, files
from turret.choices import LaunchState, Status
from turret.models import Launch
from turret.services.launching.clearing import clear
from turret.services.launching.tidying import tidy

pytestmark = pytest.mark.django_db(transaction=True)


def in_work_of(site: Site, scratch: Path) -> Launch:
    """One whose compute environment has its work directories there."""
    compute = ComputeFactory.create(work_dir=str(scratch), host=HOST)
    launch = worked(site, compute=compute)
    launch.work_dir = str(scratch / launch.launch_id)
    launch.save()
    fill(launch)
    return launch


def by_policy(site: Site, settings: Settings, **values: Any) -> None:
    site.launcher = {"clear_after_days": 10, **values}
    settings.CONFIG = site.config()


@pytest.mark.parametrize("is_moved", [False, True])
def test_log_and_results_stay_where_work_is_configured_to_be_beside_them(
    site: Site, settings: Settings, is_moved: bool
) -> None:
    launch = in_work_of(site, site.launches)
    assert launch.work_dir == launch.directory
    if is_moved:
        (site.directory / "newer").mkdir()
        by_policy(site, settings, work_dir=str(site.directory / "newer"))
    with pytest.raises(IllegalTransition, match="leaves it alone"):
        clear(launch.pk, actor=ACTOR)
    Launch.objects.filter(pk=launch.pk).update(cleared_at=timezone.now())
    tidy(HOST)
    assert files(launch).output.exists()
    assert (Path(launch.launch_dir) / "results" / "table.txt").exists()


def test_log_and_results_stay_where_it_is_the_same_by_another_name(
    site: Site,
) -> None:
    scratch = site.directory / "scratch"
    scratch.symlink_to(site.launches)
    launch = in_work_of(site, scratch)
    clear(launch.pk, actor=ACTOR)
    tidy(HOST)
    assert files(launch).output.exists()
    assert (Path(launch.launch_dir) / "results" / "table.txt").exists()
    told = Attention.objects.get(subject=launch.subject).message
    assert "which holds its log, too" in told


@pytest.mark.parametrize("state", [LaunchState.PENDING, LaunchState.RUNNING])
@pytest.mark.parametrize("column", ["params", "project_dir", "source", "config_text"])
def test_what_a_launch_under_way_was_told_to_read_stays(
    site: Site, settings: Settings, column: str, state: str
) -> None:
    by_policy(site, settings, clear_launch_dirs=True)
    launch = worked(site)
    place = f"{launch.launch_dir}/results"
    told: Any = {"samples": [{"path": place}]} if column == "params" else place
    reader = worked(site, state=state, host="other", **{column: told})
    with pytest.raises(IllegalTransition, match=f"{reader} is under way, and may"):
        clear(launch.pk, actor=ACTOR)
    tidy(HOST)
    tidy(HOST)
    assert (Path(place) / "table.txt").exists()
    # Also when it was submitted after that was decided.
    Launch.objects.filter(pk=launch.pk).update(
        cleared_at=timezone.now(), size_bytes=None
    )
    tidy(HOST)
    assert (Path(place) / "table.txt").exists()
    Launch.objects.filter(pk=reader.pk).update(
        state=LaunchState.FAILED, size_bytes=0, finished_at=timezone.now()
    )
    tidy(HOST)
    assert not Path(place).exists()


def test_what_a_run_of_a_shell_was_told_to_read_stays(site: Site) -> None:
    launch = worked(site)
    run = WorkflowFactory.create(params={"input": f"{launch.work_dir}/x.csv"})
    with pytest.raises(IllegalTransition, match=f"{run} is under way, and may"):
        clear(launch.pk, actor=ACTOR)
    assert is_there(launch)


@pytest.mark.parametrize(("hours", "stays"), [(2, True), (25, False)])
def test_a_run_of_a_shell_that_fell_silent_may_turn_up_for_a_day(
    site: Site, hours: int, stays: bool
) -> None:
    launch = worked(site)
    WorkflowFactory.create(
        work_dir=launch.work_dir,
        status=Status.UNKNOWN,
        last_seen_at=timezone.now() - dt.timedelta(hours=hours),
    )
    assert call("clear_launches", launch.launch_id).code == int(stays)
    assert is_there(launch) == stays


@pytest.mark.parametrize("column", ["params", "output_dir"])
def test_results_of_a_run_of_a_shell_that_are_links_into_it_keep_it(
    site: Site, settings: Settings, column: str
) -> None:
    by_policy(site, settings)
    launch = worked(site)
    results = site.directory / "results"
    results.mkdir()
    (results / "link.txt").symlink_to(Path(launch.work_dir) / WORK / "out.txt")
    told = {"outdir": str(results)} if column == "params" else str(results)
    WorkflowFactory.create(
        work_dir=launch.work_dir, status=Status.SUCCEEDED, **{column: told}
    )
    tidy(HOST)
    tidy(HOST)
    assert is_there(launch)


def test_what_is_of_another_host_is_left_to_it(site: Site) -> None:
    launch = worked(site, state=LaunchState.FAILED, host="other")
    second = gone_on_with(site, launch, state=LaunchState.FAILED)
    # Of the same name here, but another disk.
    site.launches.rename(site.directory / "disk of other")
    (site.launches / second.launch_id).mkdir(parents=True)
    answer = call("clear_launches", second.launch_id)
    rows = Launch.objects.in_bulk()
    assert rows[launch.pk].cleared_at
    assert rows[launch.pk].size_bytes is None
    assert rows[second.pk].size_bytes == 0
    assert (answer.code, launch.launch_id in answer.err) == (1, True)


@pytest.mark.parametrize("is_all", [False, True])
def test_the_question_says_that_results_go(
    site: Site, settings: Settings, is_all: bool
) -> None:
    by_policy(site, settings, clear_launch_dirs=is_all)
    page = f"/admin/turret/launch/{worked(site).pk}/do/clear/"
    said = staff("operator").get(page).content.decode()
    assert ("with all results in them" in said) == is_all


@pytest.mark.parametrize("is_link", [False, True])
def test_results_that_are_in_the_work_directory_keep_it(
    site: Site, settings: Settings, is_link: bool
) -> None:
    by_policy(site, settings)
    launch = worked(site)
    results = Path(launch.work_dir) / "results"
    results.mkdir()
    link = site.directory / "results"
    link.symlink_to(results)
    launch.params = {"outdir": str(link if is_link else results)}
    launch.save()
    tidy(HOST)
    tidy(HOST)
    assert results.exists()


def test_results_of_another_launch_keep_the_launch_directory(
    site: Site, settings: Settings
) -> None:
    by_policy(site, settings, clear_launch_dirs=True)
    launch = worked(site)
    results = Path(launch.launch_dir) / "results"
    other = worked(site, days=1, params={"outdir": str(results)})
    with pytest.raises(IllegalTransition, match=f"results of {other} are in it"):
        clear(launch.pk, actor=ACTOR)
    tidy(HOST)
    tidy(HOST)
    assert (results / "table.txt").exists()


def test_results_that_are_links_into_the_launch_directory_keep_it(
    site: Site, settings: Settings
) -> None:
    by_policy(site, settings, clear_launch_dirs=True)
    results = site.directory / "results"
    results.mkdir()
    launch = worked(site, params={"outdir": str(results)})
    table = Path(launch.launch_dir) / "results" / "table.txt"
    (results / "table.txt").symlink_to(table)
    tidy(HOST)
    tidy(HOST)
    assert table.exists()
