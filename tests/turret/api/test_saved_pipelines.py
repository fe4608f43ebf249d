"""`/api/saved-pipelines`: reading, saving, changing, deleting."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from seqhub.operations.models import Event
from tests.clients import client_with, make_user
from tests.turret.factories import ComputeFactory, LaunchFactory, PipelineFactory
from turret.models import Launch, Pipeline

API = "/api/saved-pipelines"
MANAGING = (
    "turret.view_pipeline",
    "turret.add_pipeline",
    "turret.change_pipeline",
    "turret.delete_pipeline",
    "turret.see_secrets_workflow",
)


@pytest.fixture
def manager(db: None) -> APIClient:
    return client_with("read", "write", user=make_user(*MANAGING))


def post(client: APIClient, body: Any) -> Any:
    return client.post(API, body, format="json")


def patch(client: APIClient, pipeline: Pipeline, body: Any) -> Any:
    return client.patch(f"{API}/{pipeline.pk}", body, format="json")


def test_a_pipeline_is_saved_changed_and_deleted(manager: APIClient) -> None:
    Group.objects.create(name="clinic")
    ComputeFactory.create(name="cluster")
    sent = {
        "name": "Exomes",
        "description": "For the clinic.",
        "source": "nf-core/sarek",
        "revision": "3.4.4",
        "profile": "singularity",
        "config_text": "process.cpus = 2",
        "params": {"wes": True, "tools": "strelka"},
        "visible_params": ["input"],
        "compute": "cluster",
        "labels": ["clinic"],
        "groups": ["clinic"],
        "is_enabled": True,
        "max_concurrent": 2,
        "max_run_time_s": 3600,
    }
    answer = post(manager, sent)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert {name: told[name] for name in sent} == sent
    assert manager.get(told["url"]).json() == told
    answer = manager.patch(
        told["url"], {"revision": "", "compute": None, "groups": []}, format="json"
    )
    assert answer.status_code == 200, answer.content
    changed = answer.json()
    assert (changed["revision"], changed["compute"], changed["groups"]) == (
        "",
        None,
        [],
    )
    assert changed["params"] == sent["params"]
    assert manager.delete(told["url"]).status_code == 204
    assert manager.get(told["url"]).status_code == 404
    assert manager.delete(told["url"]).status_code == 404
    kinds = Event.objects.filter(subject=f"pipeline:{told['id']}").order_by("at")
    assert list(kinds.values_list("kind", flat=True)) == [
        "created",
        "changed",
        "deleted",
    ]
    assert kinds[1].data == {"changed": ["compute", "groups", "revision"]}


def test_what_changes_nothing_is_no_event(manager: APIClient) -> None:
    pipeline = PipelineFactory.create()
    assert patch(manager, pipeline, {"name": pipeline.name}).status_code == 200
    assert not Event.objects.filter(subject=f"pipeline:{pipeline.pk}").exists()


def test_launches_outlive_their_saved_pipeline(manager: APIClient) -> None:
    pipeline = PipelineFactory.create()
    launch = LaunchFactory.create(pipeline=pipeline)
    assert manager.delete(f"{API}/{pipeline.pk}").status_code == 204
    assert Launch.objects.get(pk=launch.pk).pipeline is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "taken"}, "name"),
        ({"source": "-x"}, "source"),
        ({"source": "nothing"}, "source"),
        ({"revision": "-x"}, "revision"),
        ({"revision": "$(id)"}, "revision"),
        ({"source": "/a/directory", "revision": "1.0"}, "revision"),
        ({"profile": "-x"}, "profile"),
        ({"params": []}, "params"),
        ({"params": {"a": "b\0"}}, "params"),
        ({"params": {"a": "[masked]"}}, "params"),
        ({"config_text": "x = '[masked]'"}, "config_text"),
        ({"config_text": "x" * 200_000}, "config_text"),
        ({"params": {"x": "y" * 200_000}}, "params"),
        ({"compute": "nowhere"}, "compute"),
        ({"groups": ["nobody"]}, "groups"),
        ({"labels": ["x" * 60]}, "labels"),
        ({"max_concurrent": 0}, "max_concurrent"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(
    manager: APIClient, change: dict[str, Any], field: str
) -> None:
    PipelineFactory.create(name="taken")
    saved = PipelineFactory.create()
    whole = {"name": "new", "source": "nf-core/demo", **change}
    for answer in (post(manager, whole), patch(manager, saved, change)):
        assert answer.status_code == 400, answer.content
        assert answer.json()["message"].startswith(field)
    assert Pipeline.objects.count() == 2


def test_nesting_without_end_is_refused(manager: APIClient) -> None:
    nested: dict[str, Any] = {}
    for _ in range(200):
        nested = {"a": nested}
    answer = post(manager, {"name": "x", "source": "a/b", "params": nested})
    assert answer.status_code == 400
    assert "deeply" in answer.json()["message"]


@pytest.mark.django_db
def test_people_see_what_they_may_launch() -> None:
    group = Group.objects.create(name="clinic")
    for_all = PipelineFactory.create(name="for all")
    for_clinic = PipelineFactory.create(name="for the clinic")
    for_clinic.groups.add(group, Group.objects.create(name="other"))
    PipelineFactory.create(name="off", is_enabled=False)
    outsider, insider = (
        make_user("turret.view_pipeline"),
        make_user("turret.view_pipeline"),
    )
    insider.groups.add(group)
    for user, names in (
        (outsider, ["for all"]),
        (insider, ["for all", "for the clinic"]),
        (make_user(*MANAGING), ["for all", "for the clinic", "off"]),
    ):
        client = client_with("read", user=user)
        page = client.get(f"{API}/").json()
        assert [row["name"] for row in page["results"]] == names
        assert page["count"] == len(names)
        found = client.get(f"{API}/{for_clinic.pk}").status_code
        assert found == (200 if for_clinic.name in names else 404)
        assert client.get(f"{API}/{for_all.pk}").status_code == 200


def test_secrets_are_masked_and_not_for_all(manager: APIClient) -> None:
    pipeline = PipelineFactory.create(
        params={"input": "s.csv", "api_key": "hunter2"},
        config_text="tower.accessToken = 'hunter2'",
    )
    viewer = client_with("read", user=make_user("turret.view_pipeline"))
    for path in (API, f"{API}/{pipeline.pk}"):
        assert b"hunter2" not in manager.get(path).content
        assert b"s.csv" not in viewer.get(path).content
    told = manager.get(f"{API}/{pipeline.pk}").json()
    assert told["params"] == {"input": "s.csv", "api_key": "[masked]"}
    # What is not sent stays: nobody has to send what they can't see.
    patch(manager, pipeline, {"description": "x"})
    pipeline.refresh_from_db()
    assert pipeline.params["api_key"] == "hunter2"


@pytest.mark.parametrize(
    "query", ["name=Exomes", "source=a/b", "label=clinic", "compute=far", "text=xom"]
)
def test_saved_pipelines_are_found(client: APIClient, query: str) -> None:
    PipelineFactory.create()
    PipelineFactory.create(
        name="Exomes",
        source="a/b",
        labels=["clinic"],
        compute=ComputeFactory.create(name="far"),
    )
    page = client.get(f"{API}?{query}").json()
    assert [row["name"] for row in page["results"]] == ["Exomes"]


def test_a_list_takes_the_same_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group = Group.objects.create(name="clinic")
    for number in (1, 20):
        for _ in range(number):
            PipelineFactory.create(compute=ComputeFactory.create()).groups.add(group)
        # The token, the count, the page, its groups.
        with django_assert_num_queries(4):
            client.get(API)


@pytest.mark.django_db
def test_saving_takes_scope_and_permission() -> None:
    pipeline = PipelineFactory.create()
    body = {"name": "new", "source": "a/b"}
    viewer = client_with("read", "write", user=make_user("turret.view_pipeline"))
    reader = client_with("read", user=make_user(*MANAGING))
    for client, status in ((APIClient(), 401), (viewer, 403), (reader, 403)):
        assert post(client, body).status_code == status
        assert patch(client, pipeline, {"name": "x"}).status_code == status
        assert client.delete(f"{API}/{pipeline.pk}").status_code == status
    adder = client_with(
        "write", user=make_user("turret.add_pipeline", "turret.view_pipeline")
    )
    assert post(adder, body).status_code == 201
    assert patch(adder, pipeline, {"name": "x"}).status_code == 403
    assert adder.delete(f"{API}/{pipeline.pk}").status_code == 403
