"""Resuming, launching again and cancelling over the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from tests.clients import client_with, make_user
from tests.factories import HOST
from tests.turret.api.test_launching import API, THREE, post
from tests.turret.factories import (
    ComputeFactory,
    LaunchFactory,
    PipelineFactory,
    WorkflowFactory,
)
from tests.turret.launching.site import Site
from turret.choices import LaunchState
from turret.models import Launch, Workflow

SESSION = "6f1e0000-0000-4000-8000-000000000007"


@pytest.fixture
def ended(site: Site, tmp_path: Path) -> Launch:
    """One that failed, and can be gone on with."""
    place = tmp_path / "launches" / "one"
    (place / "launch" / ".nextflow" / "cache" / SESSION).mkdir(parents=True)
    return LaunchFactory.create(
        workflow=WorkflowFactory.create(session_id=SESSION),
        compute=ComputeFactory.create(host=HOST),
        host=HOST,
        source=THREE,
        run_name="first",
        params={"samples": "a,b", "lines": 5, "outdir": "x"},
        profile="test",
        directory=str(place),
        state=LaunchState.FAILED,
    )


def again(client: APIClient, launch: Launch, how: str, **changes: Any) -> Any:
    return post(client, changes, f"{API}/{launch.launch_id}/{how}")


def test_resuming_goes_on_where_it_ended(operator: APIClient, ended: Launch) -> None:
    changes = {"lines": 7, "outdir": None}
    answer = again(operator, ended, "resume", params=changes)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    expected = {
        "parent": ended.launch_id,
        "resumed_session": SESSION,
        "launch_dir": ended.launch_dir,
        "work_dir": ended.work_dir,
        "params": {"samples": "a,b", "lines": 7},
        "profile": "test",
    }
    assert {name: told[name] for name in expected} == expected
    assert told["run_name"] != "first"
    # Not two at once.
    other = again(operator, ended, "resume")
    assert other.status_code == 409


def test_launching_again_begins_anew(operator: APIClient, ended: Launch) -> None:
    for _ in range(2):
        answer = again(operator, ended, "relaunch", profile="", run_name=None)
        assert answer.status_code == 201, answer.content
        told = answer.json()
        assert (told["parent"], told["resumed_session"]) == (ended.launch_id, "")
        assert told["launch_dir"] != ended.launch_dir
        assert told["profile"] == ""
        assert told["params"] == ended.params


def test_what_comes_of_a_launch_is_checked_and_can_be_dry(
    operator: APIClient, ended: Launch
) -> None:
    for how in ("resume", "relaunch"):
        wrong = again(operator, ended, how, params={"lines": 0})
        assert wrong.status_code == 422
        assert list(wrong.json()["detail"]["fields"]) == ["params.lines"]
        dry = again(operator, ended, how, dry_run=True)
        assert dry.status_code == 200
        assert (SESSION in dry.json()["argv"]) == (how == "resume")
    assert Launch.objects.count() == 1


def test_what_runs_is_not_resumed(operator: APIClient, ended: Launch) -> None:
    Launch.objects.update(state=LaunchState.RUNNING)
    assert again(operator, ended, "resume").status_code == 409


def test_where_a_resumed_launch_works_is_not_chosen(
    operator: APIClient, ended: Launch
) -> None:
    answer = again(operator, ended, "resume", work_dir="/etc")
    assert answer.json()["work_dir"] == ended.work_dir


def test_a_traced_run_is_resumed_where_it_lies_below_the_roots(
    operator: APIClient, site: Site, tmp_path: Path
) -> None:
    inside, outside = tmp_path / "allowed" / "x", tmp_path / "x"
    for place, status in ((inside, 201), (outside, 409)):
        (place / ".nextflow").mkdir(parents=True)
        run = WorkflowFactory.create(
            ended=True,
            session_id=SESSION,
            launch_dir=str(place),
            work_dir=f"{place}/work",
            repository="",
            project_dir=THREE,
            params={"lines": 3},
        )
        answer = post(operator, {}, f"{API}/{run.workflow_id}/resume")
        assert answer.status_code == status, answer.content
    assert Launch.objects.get().launch_dir == str(inside)


@pytest.mark.parametrize("how", ["resume", "relaunch"])
def test_what_is_unknown_is_not_launched_again(
    operator: APIClient, site: Site, how: str
) -> None:
    assert post(operator, {}, f"{API}/nothing/{how}").status_code == 404
    nobody = client_with("read", user=make_user("turret.launch_launch"))
    assert post(nobody, {}, f"{API}/nothing/{how}").status_code == 403


def test_tw_cancels_what_was_launched_here(operator: APIClient, db: None) -> None:
    launch = LaunchFactory.create(state=LaunchState.PENDING)
    path = f"/api/workflow/{launch.launch_id}/cancel?workspaceId=1"
    # Its body is empty, or absent.
    answer = operator.post(path, "", content_type="application/json")
    assert (answer.status_code, answer.content) == (204, b"")
    launch.refresh_from_db()
    assert launch.state == LaunchState.CANCELLED
    again = operator.post(path)
    assert (again.status_code, again["Content-Type"]) == (409, "application/json")


def test_tw_can_not_cancel_anything_else(operator: APIClient, db: None) -> None:
    run: Workflow = WorkflowFactory.create()
    answer = operator.post(f"/api/workflow/{run.workflow_id}/cancel")
    assert answer.status_code == 409
    assert "not launched here" in answer.json()["message"]
    assert operator.post("/api/workflow/nothing/cancel").status_code == 404
    reader = client_with("read", user=make_user("turret.launch_launch"))
    path = f"/api/workflow/{run.workflow_id}/cancel"
    assert reader.post(path).status_code == 403


@pytest.mark.parametrize("how", ["resume", "relaunch"])
def test_a_saved_pipeline_of_others_is_not_had_by_their_launches(
    operator: APIClient, ended: Launch, how: str
) -> None:
    saved = PipelineFactory.create(source=THREE)
    saved.groups.add(Group.objects.create(name="validation"))
    Launch.objects.update(pipeline=saved)
    answer = again(operator, ended, how)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_pipeline")
    assert Launch.objects.count() == 1


def test_a_session_alone_launches_and_cancels_nothing(db: None, ended: Launch) -> None:
    """Another site's page would send its cookie, too."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("turret.launch_launch", is_staff=True))
    own = f"{API}/{ended.launch_id}"
    cancel = f"/api/workflow/{ended.launch_id}/cancel"
    for path in (API, f"{own}/resume", f"{own}/relaunch", cancel):
        answer = client.post(path, {"pipeline": THREE}, format="json")
        assert answer.status_code == 403
        assert "CSRF" in answer.json()["detail"]
    assert client.delete(own).status_code == 403
    assert Launch.objects.count() == 1
