"""`POST /api/launches`."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.clients import client_with, make_admin, make_user
from tests.factories import HOST
from tests.nextflow.runs import PIPELINES
from tests.turret.factories import (
    ComputeFactory,
    LaunchFactory,
    PipelineFactory,
)
from tests.turret.launching.site import Site
from tests.turret.repositories import make_repository
from turret.models import Launch
from turret.services import repositories

API = "/api/launches"
THREE = str(PIPELINES / "three")


def post(client: APIClient, body: Any, path: str = API) -> Any:
    # Half a character can be written in ASCII only.
    return client.post(path, json.dumps(body), content_type="application/json")


def test_a_client_of_the_old_service_launches(
    operator: APIClient, site: Site, tmp_path: Path
) -> None:
    answer = post(
        operator,
        {
            "pipeline": THREE,
            "revision": None,
            "params": {"samples": "a,b", "lines": 5},
            "profile": "test",
            "work_dir": f"{tmp_path}/allowed/work",
            "run_name": "dispatcher_b1",
            "project_dir": "",
        },
    )
    assert answer.status_code == 201, answer.content
    told = answer.json()
    expected = {
        "pipeline": THREE,
        "revision": "",
        "params": {"samples": "a,b", "lines": 5},
        "profile": "test",
        "work_dir": f"{tmp_path}/allowed/work",
        "run_name": "dispatcher_b1",
        "status": "pending",
        "pid": None,
        "exit_code": None,
        "started_at": None,
        "finished_at": None,
        "params_checked": True,
        "unchecked_because": "",
    }
    assert {name: told[name] for name in expected} == expected
    launch = Launch.objects.select_related("workflow").get()
    assert told["launch_id"] == launch.workflow.workflow_id
    assert launch.workflow.batch_id == "b1"
    assert operator.get(told["url"]).json()["state"] == "pending"


def test_no_more_than_a_pipeline_is_needed(operator: APIClient, site: Site) -> None:
    answer = post(operator, {"pipeline": THREE})
    assert answer.status_code == 201, answer.content
    assert answer.json()["run_name"].startswith("dispatcher_")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "pipeline"),
        ({"pipeline": ""}, "pipeline"),
        ({"pipeline": "-x"}, "pipeline"),
        ({"pipeline": "--help"}, "pipeline"),
        ({"pipeline": "nothing"}, "pipeline"),
        ({"pipeline": "https://me:secret@git.example/x"}, "pipeline"),
        ({"pipeline": "a/b\0c"}, "pipeline"),
        ({"pipeline": "x" * 2000}, "pipeline"),
        ({"pipeline": ["x"]}, "pipeline"),
        ({"pipeline": THREE, "revision": "$(touch x)"}, "revision"),
        ({"pipeline": THREE, "revision": "-x"}, "revision"),
        ({"pipeline": THREE, "profile": "-x"}, "profile"),
        ({"pipeline": THREE, "run_name": "-x y"}, "run_name"),
        ({"pipeline": THREE, "work_dir": "/etc"}, "work_dir"),
        ({"pipeline": THREE, "project_dir": "../x"}, "project_dir"),
        ({"pipeline": THREE, "params": [1]}, "params"),
        ({"pipeline": THREE, "params": "x"}, "params"),
        ({"pipeline": THREE, "params": {"lines": 0}}, "params.lines"),
        ({"pipeline": THREE, "params": {"lines": "many"}}, "params.lines"),
        ({"pipeline": THREE, "params": {"samples": "a;b"}}, "params.samples"),
        ({"pipeline": THREE, "params": {"input": "/no/s.csv"}}, "params.input"),
        ({"pipeline": THREE, "params": {"samples": "a\0"}}, "params.samples"),
        ({"pipeline": THREE, "params": {"samples": "\ud800"}}, "params.samples"),
        ({"pipeline": THREE, "params": {"x": "[masked]"}}, "params.x"),
        ({"pipeline": THREE, "config_text": "a = '[masked]'"}, "config_text"),
        ({"pipeline": THREE, "compute": "nowhere"}, "compute"),
        ({"pipeline": THREE, "labels": ["x" * 60]}, "labels"),
        ({"pipeline": THREE, "max_run_time_s": 0}, "max_run_time_s"),
        ({"pipeline": THREE, "saved_pipeline": 1}, "pipeline"),
        ({"pipeline": THREE, "dry_run": "perhaps"}, "dry_run"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(
    operator: APIClient, site: Site, body: Any, field: str
) -> None:
    answer = post(operator, body)
    assert answer.status_code == 422, answer.content
    told = answer.json()
    assert told["code"] == "bad_launch"
    assert told["message"]
    assert list(told["detail"]["fields"]) == [field]
    assert not Launch.objects.exists()


def test_each_field_that_is_wrong_is_named(operator: APIClient, site: Site) -> None:
    params = {"lines": 0, "samples": "a;b"}
    told = post(operator, {"pipeline": THREE, "params": params}).json()
    assert set(told["detail"]["fields"]) == {"params.lines", "params.samples"}
    for word in ("params.lines", "params.samples"):
        assert word in told["message"]


@pytest.mark.parametrize("body", ["[1]", '"x"', "{", "null", '{"params": {"a": NaN}}'])
def test_what_is_no_launch_at_all_is_refused(
    operator: APIClient, site: Site, body: str
) -> None:
    answer = operator.post(API, body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert {"code", "message", "detail"} <= answer.json().keys()


def test_parameters_of_ten_megabytes_are_refused(
    operator: APIClient, site: Site
) -> None:
    answer = post(operator, {"pipeline": THREE, "params": {"x": "y" * 10_000_000}})
    assert answer.status_code == 400
    assert {"code", "message", "detail"} <= answer.json().keys()
    assert not Launch.objects.exists()


def test_odd_parameters_arrive_as_they_are(operator: APIClient, site: Site) -> None:
    odd: dict[str, Any] = {
        "outdir": "a 'b' \"c\" $(id)\n`x`\u2028 åäö",
        "--help": ["-x", None, {}],
    }
    answer = post(operator, {"pipeline": THREE, "params": odd})
    assert answer.status_code == 201, answer.content
    assert Launch.objects.get().params == odd


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"profile": "bare"},
        {"profile": "test"},
        {"profile": "included"},
        {"config_text": "params.outdir = 'x'"},
        {"params": {"outdir": "x"}},
    ],
)
def test_what_is_required_may_be_set_elsewhere(
    operator: APIClient, site: Site, tmp_path: Path, changes: dict[str, Any]
) -> None:
    place = tmp_path / "needy"
    (place / "conf").mkdir(parents=True)
    properties = {"outdir": {"type": "string"}}
    schema = {"required": ["outdir"], "properties": properties}
    (place / "nextflow_schema.json").write_text(json.dumps(schema))
    (place / "nextflow.config").write_text(
        "profiles {\n  bare { process.cpus = 1 }\n  test { params.outdir = 'x' }\n"
        "  included { includeConfig 'conf/included.config' }\n}\n"
    )
    (place / "conf" / "included.config").write_text("params { outdir = 'x' }\n")
    answer = post(operator, {"pipeline": str(place), **changes})
    if changes in ({}, {"profile": "bare"}):
        assert answer.status_code == 422
        assert list(answer.json()["detail"]["fields"]) == ["params.outdir"]
    else:
        assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("pipeline", ["file:///nowhere/at/all", "{repo}@dev"])
def test_what_can_not_be_checked_is_launched_and_said_to_be(
    operator: APIClient, site: Site, tmp_path: Path, pipeline: str
) -> None:
    address = make_repository(tmp_path / "three")
    pipeline = pipeline.replace("{repo}", address)
    answer = post(operator, {"pipeline": pipeline, "params": {"lines": "many"}})
    assert answer.status_code == 201, answer.content
    assert answer.json()["params_checked"] is False
    assert answer.json()["unchecked_because"]


def test_a_schema_that_explodes_is_none_of_the_callers_mistakes(
    operator: APIClient, site: Site, tmp_path: Path
) -> None:
    schema = {"properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
    (tmp_path / "nextflow_schema.json").write_text(json.dumps(schema))
    params = {"x": "a" * 60 + "-"}
    answer = post(operator, {"pipeline": str(tmp_path), "params": params})
    assert answer.status_code == 201, answer.content
    assert "takes too long to check" in answer.json()["unchecked_because"]


def test_a_repository_that_hangs_holds_no_launch_up(
    operator: APIClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "SHORT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/lab/pipeline"
        answer = post(operator, {"pipeline": address})
    assert answer.status_code == 201, answer.content
    assert "did not answer" in answer.json()["unchecked_because"]


def test_people_browse_launches(site: Site, db: None) -> None:
    launch, saved = LaunchFactory.create(), PipelineFactory.create()
    person = APIClient(headers={"Accept": "text/html"})
    person.force_login(make_admin())
    for path in (
        API,
        f"{API}/{launch.launch_id}",
        "/api/saved-pipelines",
        f"/api/saved-pipelines/{saved.pk}",
    ):
        answer = person.get(path)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/html")


def test_a_dry_run_tells_all_and_does_nothing(
    operator: APIClient, site: Site, tmp_path: Path
) -> None:
    params = {"samples": "a", "db_password": "hunter2"}
    body = {"pipeline": THREE, "params": params, "run_name": "mine", "profile": "test"}
    for query, sent in (("", {**body, "dry_run": True}), ("?dry_run=true", body)):
        answer = post(operator, sent, f"{API}{query}")
        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert told["argv"][told["argv"].index("-name") + 1] == "mine"
        assert THREE in told["command"]
        assert "PATH" in told["environment"]
        assert json.loads(told["files"]["params.json"])["samples"] == "a"
        assert told["params_checked"] is True
        assert b"hunter2" not in answer.content
    assert not Launch.objects.exists()
    assert not site.launches.exists()
    assert post(operator, {**body, "dry_run": True, "run_name": "-"}).status_code == 422


@pytest.mark.django_db
def test_a_dry_run_shows_files_to_those_who_may_see_secrets(site: Site) -> None:
    user = make_user("turret.launch_launch")
    client = client_with("write", user=user)
    told = post(client, {"pipeline": THREE, "dry_run": True}).json()
    assert told["files"] is None
    assert told["argv"]


@pytest.mark.django_db
def test_launching_takes_scope_and_permission(site: Site) -> None:
    may = make_user("turret.launch_launch")
    may_not = make_user("turret.view_launch")
    for client, status in (
        (APIClient(), 401),
        (client_with("read", user=may), 403),
        (client_with("trace", user=may), 403),
        (client_with("write", user=may_not), 403),
        (client_with("write", user=may), 201),
    ):
        assert post(client, {"pipeline": THREE}).status_code == status
    assert Launch.objects.get().owner == may


def test_a_saved_pipeline_brings_what_is_not_sent(
    operator: APIClient, site: Site
) -> None:
    saved = PipelineFactory.create(
        source=THREE,
        profile="test",
        params={"samples": "a,b", "lines": 5},
        labels=["saved"],
        compute=ComputeFactory.create(name="cluster", host=HOST),
    )
    body = {"saved_pipeline": saved.pk, "params": {"lines": 7}, "labels": ["mine"]}
    answer = post(operator, body)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    expected = {
        "pipeline": THREE,
        "profile": "test",
        "params": {"samples": "a,b", "lines": 7},
        "labels": ["saved", "mine"],
        "compute": "cluster",
        "saved_pipeline": saved.pk,
        "saved_pipeline_name": saved.name,
    }
    assert {name: told[name] for name in expected} == expected


def test_a_saved_pipeline_of_others_is_unknown(operator: APIClient, site: Site) -> None:
    kept = PipelineFactory.create(source=THREE)
    kept.groups.create(name="clinic")
    off = PipelineFactory.create(source=THREE, is_enabled=False)
    for pk in (kept.pk, off.pk, 10**9):
        answer = post(operator, {"saved_pipeline": pk})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_pipeline")
