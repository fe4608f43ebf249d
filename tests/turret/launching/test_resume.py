"""What comes of earlier runs: resumed, with the real Nextflow, and launched anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from seqhub.operations.errors import IllegalTransition
from tests.nextflow.runs import PIPELINES, Run
from tests.turret.factories import WorkflowFactory
from tests.turret.launching.site import ACTOR, Site, end, files, look_until, printed
from turret.choices import LaunchState, Status
from turret.errors import BadLaunch
from turret.models import Launch
from turret.services.launching.cancelling import cancel
from turret.services.launching.resuming import relaunch, resume

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = {"sleep": 0, "exit": 0}


def resumed(site: Site, launch: Launch, **changes: Any) -> Launch:
    pk = launch.workflow_id
    return resume(pk, user=site.user, actor=ACTOR, changes=changes)


def statuses(launch: Launch) -> dict[str, str]:
    """Of each task, by its name, as Nextflow's trace file has it."""
    lines = files(launch).trace.read_text().split("\n")
    fields = [line.split("\x1f") for line in lines if line.count("\x1f") > 8]
    place = fields[0].index("status")
    return {row[fields[0].index("name")]: row[place] for row in fields[1:]}


@pytest.mark.slow
def test_a_cancelled_run_goes_on_with_edited_parameters(real: Site) -> None:
    first = real.submit("sleeps", params={"samples": "a", "seconds": 300})
    look_until(lambda: "SLEEP (a)" in printed(first))
    cancel(first.pk, actor=ACTOR)
    end(first)
    assert first.state == LaunchState.CANCELLED, printed(first)
    again = resumed(real, first, params={"samples": "a", "seconds": 0})
    end(again)
    assert again.state == LaunchState.SUCCEEDED, printed(again)
    assert statuses(again) == {"QUICK (a)": "CACHED", "SLEEP (a)": "COMPLETED"}
    assert (again.launch_dir, again.parent) == (first.launch_dir, first)
    assert again.workflow.session_id == first.workflow.session_id
    assert again.run_name == f"{first.run_name}-2"


@pytest.mark.slow
def test_what_has_succeeded_computes_nothing_anew(real: Site) -> None:
    first = real.submit("three", profile="test")
    end(first)
    again = resumed(real, first)
    end(again)
    assert again.state == LaunchState.SUCCEEDED, printed(again)
    assert set(statuses(again).values()) == {"CACHED"}


@pytest.mark.slow
def test_a_run_from_the_command_line_goes_on_here(
    real: Site, nextflow: Path, settings: Settings
) -> None:
    directory = real.directory / "allowed" / "run"
    directory.parent.mkdir()
    run = Run(nextflow, directory)
    assert run.finish("three", "-profile", "test") == 0
    history = (directory / ".nextflow" / "history").read_text()
    workflow = WorkflowFactory.create(
        ended=True,
        session_id=history.rstrip("\n").split("\t")[5],
        launch_dir=str(directory),
        work_dir=str(directory / "work"),
        project_dir=str(PIPELINES / "three"),
        repository="",
        profile="test",
        params={"samples": "a,b", "lines": 3},
    )
    changes = {"params": {"samples": "a,b,c", "lines": 3}}
    launch = resume(workflow.pk, user=real.user, actor=ACTOR, changes=changes)
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED, printed(launch)
    known = ["MAKE (a)", "MAKE (b)", "COUNT (a)", "COUNT (b)"]
    assert statuses(launch) == {
        **dict.fromkeys(known, "CACHED"),
        **dict.fromkeys(["MAKE (c)", "COUNT (c)", "MERGE"], "COMPLETED"),
    }


@pytest.mark.parametrize(
    "told",
    [
        {"launch_dir": "/etc"},
        {"launch_dir": ""},
        {"launch_dir": "relative"},
        {"work_dir": "/etc"},
        {"work_dir": "s3://bucket/work"},
        {"work_dir": ""},
        {"session_id": ""},
        {"status": Status.RUNNING},
    ],
)
def test_a_run_that_is_not_to_be_reached_is_not_gone_on_with(
    site: Site, told: dict[str, Any]
) -> None:
    directory = site.directory / "allowed" / "run"
    (directory / ".nextflow").mkdir(parents=True)
    places = {"launch_dir": str(directory), "work_dir": str(directory / "work")}
    workflow = WorkflowFactory.create(ended=True, **{**places, **told})
    with pytest.raises(IllegalTransition):
        resume(workflow.pk, user=site.user, actor=ACTOR, changes={})
    assert not Launch.objects.exists()


def test_one_directory_of_two_names_is_gone_on_with_once(site: Site) -> None:
    directory = site.directory / "allowed" / "run"
    (directory / ".nextflow").mkdir(parents=True)
    link = directory.parent / "link"
    link.symlink_to(directory)
    workflows = [
        WorkflowFactory.create(
            ended=True,
            launch_dir=str(path),
            work_dir=f"{path}/work",
            project_dir=str(PIPELINES / "three"),
            repository="",
            session_id=f"0000000{number}-0000-4000-8000-000000000000",
        )
        for number, path in enumerate((directory, link))
    ]
    ask: dict[str, Any] = {"user": site.user, "actor": ACTOR, "changes": {}}
    launch = resume(workflows[0].pk, **ask)
    with pytest.raises(IllegalTransition, match="same launch directory"):
        resume(workflows[1].pk, **ask)
    assert launch.launch_dir == str(directory)


def test_a_run_that_names_a_launchs_directory_is_not_gone_on_with(
    site: Site, settings: Settings
) -> None:
    launch = site.submit(params=ENDS)
    end(launch)
    site.launcher["allowed_roots"] = [str(site.directory)]
    settings.CONFIG = site.config()
    (Path(launch.launch_dir) / ".nextflow").mkdir(exist_ok=True)
    told = WorkflowFactory.create(
        ended=True,
        launch_dir=launch.launch_dir,
        work_dir=launch.work_dir,
        project_dir=str(PIPELINES / "three"),
        session_id=launch.workflow.session_id,
    )
    with pytest.raises(IllegalTransition, match="directory of SeqHub's own"):
        resume(told.pk, user=site.user, actor=ACTOR, changes={})


def test_a_name_that_its_directory_knows_is_refused(site: Site) -> None:
    launch = site.submit(params=ENDS, run_name="mine")
    end(launch)
    with pytest.raises(BadLaunch) as caught:
        resumed(site, launch, run_name="mine")
    assert list(caught.value.fields) == ["run_name"]


def test_what_is_masked_is_not_gone_on_with(site: Site) -> None:
    launch = site.submit(params={**ENDS, "api_token": "hidden"})
    end(launch)
    changes = {"params": {**ENDS, "api_token": "[masked]"}}
    with pytest.raises(BadLaunch) as caught:
        resumed(site, launch, **changes)
    assert list(caught.value.fields) == ["params.api_token"]
    with pytest.raises(BadLaunch):
        relaunch(launch.pk, user=site.user, actor=ACTOR, changes=changes)


def test_one_that_is_under_way_is_not_resumed(site: Site) -> None:
    launch = site.submit(params=ENDS)
    with pytest.raises(IllegalTransition):
        resumed(site, launch)


def test_it_is_resumed_once_at_a_time(site: Site) -> None:
    launch = site.submit(params=ENDS)
    end(launch)
    second = resumed(site, launch)
    with pytest.raises(IllegalTransition, match="same launch directory"):
        resumed(site, launch)
    end(second)
    assert resumed(site, second).run_name == f"{launch.run_name}-3"


def test_one_that_was_cleared_is_launched_anew(site: Site) -> None:
    launch = site.submit(params=ENDS)
    end(launch)
    Launch.objects.update(cleared_at=launch.finished_at)
    with pytest.raises(IllegalTransition, match="cleared"):
        resumed(site, launch)
    other = relaunch(launch.pk, user=site.user, actor=ACTOR, changes={"params": {}})
    assert (other.parent, other.params) == (launch, {})
    assert other.launch_dir != launch.launch_dir
    assert other.workflow.session_id != launch.workflow.session_id
    assert other.run_name != launch.run_name
