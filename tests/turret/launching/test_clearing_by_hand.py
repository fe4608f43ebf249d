"""Clearing launches from the shell and from the console."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.archiving.commands.shell import call
from tests.factories import HOST
from tests.staff import staff
from tests.turret.factories import LaunchFactory, WorkflowFactory
from tests.turret.launching.site import Site, files
from turret.choices import LaunchState, Status
from turret.models import Launch, Workflow
from turret.services.launching.tidying import tidy

pytestmark = pytest.mark.django_db(transaction=True)


def ended(site: Site, days: float, state: str, host: str = HOST) -> Launch:
    """With a file of 1000 bytes in its work directory."""
    at = timezone.now() - dt.timedelta(days=days)
    launch = LaunchFactory.create(
        host=host, state=state, submitted_at=at, finished_at=at, state_since=at
    )
    launch.directory = str(site.launches / launch.launch_id)
    launch.launch_dir = str(files(launch).launch_dir)
    launch.work_dir = str(files(launch).work_dir)
    launch.save()
    Path(launch.work_dir).mkdir(parents=True)
    (Path(launch.work_dir) / "out").write_bytes(b"x" * 1000)
    return launch


def lines(said: str) -> dict[str, list[str]]:
    rows = [line.split("\t") for line in said.splitlines()[1:]]
    return {row[0]: row[1:] for row in rows}


def is_there(launch: Launch) -> bool:
    return Path(launch.work_dir).exists()


def test_the_dry_run_tells_of_all_and_changes_nothing(
    site: Site, settings: Settings
) -> None:
    site.launcher = {"clear_after_days": 10}
    settings.CONFIG = site.config()
    old = ended(site, 20.5, LaunchState.SUCCEEDED)
    young = ended(site, 5, LaunchState.SUCCEEDED)
    failed = ended(site, 20.5, LaunchState.FAILED)
    ended(site, 20.5, LaunchState.SUCCEEDED, host="other")
    Launch.objects.filter(pk=old.pk).update(size_bytes=1000)
    answer = call("clear_launches", "--dry-run")
    told = lines(answer.out)
    assert answer.code == 0
    assert told.keys() == {old.launch_id, young.launch_id, failed.launch_id}
    assert told[old.launch_id][2:] == ["1000 B", "clear", "succeeded 20 d ago"]
    assert told[young.launch_id][2:4] == ["not measured", "keep"]
    assert told[young.launch_id][4].startswith("not before 20")
    assert told[failed.launch_id][3:] == ["keep", "failed: it can be resumed"]
    assert all(map(is_there, (old, young, failed)))
    assert not Launch.objects.exclude(cleared_at=None).exists()


@pytest.mark.parametrize("with_resumable", [False, True])
def test_days_are_those_of_the_command_line(site: Site, with_resumable: bool) -> None:
    old = ended(site, 20, LaunchState.SUCCEEDED)
    young = ended(site, 5, LaunchState.SUCCEEDED)
    failed = ended(site, 20, LaunchState.FAILED)
    also = ["--resumable"] if with_resumable else []
    answer = call("clear_launches", "--days", "10", *also)
    assert answer.code == 0
    assert not is_there(old)
    assert is_there(young)
    assert is_there(failed) != with_resumable
    told = lines(answer.out).keys()
    assert told == {old.launch_id, *[failed.launch_id][: len(also)]}
    old.refresh_from_db()
    assert (old.size_bytes, bool(old.cleared_at)) == (0, True)


def test_one_is_cleared_by_its_id(site: Site) -> None:
    launch = ended(site, 1, LaunchState.FAILED)
    running = ended(site, 1, LaunchState.RUNNING)
    other = ended(site, 1, LaunchState.FAILED, host="other")
    assert call("clear_launches", launch.launch_id).code == 0
    assert not is_there(launch)
    for refused, why in (
        (launch.launch_id, "cleared already"),
        (running.launch_id, "is running"),
        (other.launch_id, "on other"),
        ("nothing", "no launch"),
    ):
        answer = call("clear_launches", refused)
        assert answer.code == 1
        assert why in answer.err
    assert is_there(running)
    assert is_there(other)


@pytest.mark.parametrize(
    "words",
    [("x", "--days", "1"), ("x", "--dry-run"), ("--resumable",), ("--days", "-1")],
)
def test_a_wrong_command_line_is_told(site: Site, words: tuple[str, ...]) -> None:
    assert call("clear_launches", *words).code == 2


def test_the_console_asks_and_the_host_does_it(site: Site) -> None:
    launch = ended(site, 1, LaunchState.SUCCEEDED)
    page = f"/admin/turret/launch/{launch.pk}"
    client = staff("operator")
    assert "can be resumed" in client.get(f"{page}/do/clear/").content.decode()
    assert is_there(launch)
    client.post(f"{page}/do/clear/", {"reason": "Too large."})
    assert is_there(launch)
    assert "being removed" in client.get(f"{page}/change/").content.decode()
    tidy(HOST)
    assert not is_there(launch)
    said = client.get(f"{page}/change/").content.decode()
    assert "being removed" not in said
    assert "do-clear" not in said
    assert "do-resume" not in said
    assert "cleared" in client.get("/admin/turret/launch/").content.decode()


def test_viewers_clear_nothing(site: Site) -> None:
    launch = ended(site, 1, LaunchState.SUCCEEDED)
    page = f"/admin/turret/launch/{launch.pk}/do/clear/"
    assert staff("viewer").post(page, {"reason": ""}).status_code == 403
    assert Launch.objects.get(pk=launch.pk).cleared_at is None


def test_where_a_run_of_a_shell_is_under_way_nothing_goes(site: Site) -> None:
    launch = ended(site, 50, LaunchState.SUCCEEDED)
    told = {"launch_dir": "/elsewhere", "work_dir": launch.work_dir}
    run = WorkflowFactory.create(run_name="by_hand", **told)
    answer = call("clear_launches", launch.launch_id)
    assert (answer.code, is_there(launch)) == (1, True)
    assert "by_hand is under way in it" in answer.err
    dry = lines(call("clear_launches", "--days", "10", "--dry-run").out)
    assert "by_hand is under way in it" in dry[launch.launch_id]
    # Also when it has begun after that was decided.
    Launch.objects.filter(pk=launch.pk).update(cleared_at=timezone.now())
    tidy(HOST)
    assert is_there(launch)
    Launch.objects.filter(pk=launch.pk).update(cleared_at=None)
    Workflow.objects.filter(pk=run.pk).update(status=Status.FAILED)
    assert call("clear_launches", launch.launch_id).code == 0
    assert not is_there(launch)


def test_one_beside_it_of_a_longer_name_is_not_cleared_with_it(site: Site) -> None:
    launch, beside = ended(site, 5, "failed"), ended(site, 5, "failed")
    place = site.directory / "allowed" / f"{launch.launch_id}-more" / "work"
    Launch.objects.filter(pk=beside.pk).update(work_dir=str(place))
    call("clear_launches", launch.launch_id)
    launch.refresh_from_db()
    beside.refresh_from_db()
    assert launch.cleared_at
    assert beside.cleared_at is None
