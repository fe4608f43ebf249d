"""`/api/pipeline/...`: what repositories tell, with real ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.clients import client_with, make_user
from tests.turret.engine.pipelines.repositories import served
from tests.turret.launching.site import Site
from tests.turret.repositories import make_repository
from turret.services import repositories

API = "/api/pipeline"


@pytest.fixture
def address(site: Site, tmp_path: Path) -> str:
    return make_repository(tmp_path / "three")


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a host that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/lab/pipeline"


def get(client: APIClient, call: str, **query: str) -> Any:
    answer = client.get(f"{API}/{call}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_parameters_are_those_of_the_schema(operator: APIClient, address: str) -> None:
    told = get(operator, "schema", pipeline=address)
    assert (told["count"], told["source"]) == (4, "nextflow_schema.json")
    assert told["profiles"] == ["test", "slurm"]
    assert told["problem"] == ""
    assert told["manifest"]["name"] == "seqhub/three"
    by_key = {param["key"]: param for param in told["params"]}
    assert list(by_key) == ["input", "outdir", "samples", "lines"]
    old = {
        "key": "lines",
        "type": "integer",
        "description": "Lines a sample has.",
        "help_text": "",
        "default": 10,
        "required": False,
        "hidden": True,
        "choices": [],
        "group": "counting_options",
        "group_title": "Counting",
        "format": "",
    }
    assert {name: by_key["lines"][name] for name in old} == old
    assert (by_key["lines"]["minimum"], by_key["lines"]["maximum"]) == (1, 1000)
    assert by_key["outdir"]["required"] is True
    assert by_key["input"]["format"] == "file-path"


def test_without_a_schema_they_are_those_that_are_set(
    operator: APIClient, address: str
) -> None:
    for query in (
        {"pipeline": address, "revision": "dev"},
        {"pipeline": f"{address}@dev"},
    ):
        told = get(operator, "schema", **query)
        assert told["source"] is None
        shown = {param["key"]: param for param in told["params"]}
        assert list(shown) == ["input", "samples", "lines", "outdir"]
        assert (shown["lines"]["type"], shown["lines"]["default"]) == ("integer", 10)
        assert shown["lines"].keys() == shown["outdir"].keys()


def test_a_directory_is_read_as_it_stands(
    operator: APIClient, address: str, tmp_path: Path
) -> None:
    place = tmp_path / "three"
    (place / "nextflow_schema.json").write_text("no JSON")
    told = get(operator, "schema", pipeline=str(place))
    assert told["source"] is None
    assert "nextflow_schema.json" in told["problem"]
    assert told["count"] == 4


def test_branches_and_tags_are_told(operator: APIClient, address: str) -> None:
    assert get(operator, "refs", pipeline=address) == {
        "branches": ["main", "dev"],
        "tags": ["1.2.0"],
        "default": "main",
    }


@pytest.mark.parametrize("call", ["schema", "refs"])
@pytest.mark.parametrize(
    ("pipeline", "status"),
    [
        ("", 400),
        ("--upload-pack=touch", 400),
        ("org/repo; rm -rf x", 400),
        ("file:///nowhere/at/all", 404),
        ("/nowhere/at/all", 404),
    ],
)
def test_what_is_no_pipeline_is_refused(
    operator: APIClient, site: Site, call: str, pipeline: str, status: int
) -> None:
    answer = operator.get(f"{API}/{call}", {"pipeline": pipeline})
    assert answer.status_code == status
    assert {"code", "message", "detail"} <= answer.json().keys()


@pytest.mark.parametrize("revision", ["nothing", "-x", "$(id)", "a b", "a\0b"])
def test_an_unknown_revision_is_404(
    operator: APIClient, address: str, revision: str
) -> None:
    query = {"pipeline": address, "revision": revision}
    assert operator.get(f"{API}/schema", query).status_code == 404


def test_repositories_are_read_over_http(
    operator: APIClient, address: str, tmp_path: Path
) -> None:
    with served(tmp_path) as server:
        told = get(operator, "schema", pipeline=f"{server}/three/.git")
        assert told["count"] == 4
        query = {"pipeline": f"{server}/private/three"}
        answer = operator.get(f"{API}/schema", query)
    assert (answer.status_code, answer.json()["code"]) == (502, "source_trouble")
    assert "password" in answer.json()["message"]


def test_a_repository_that_hangs_is_504(
    operator: APIClient, site: Site, hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "PATIENCE_S", 0.3)
    answer = operator.get(f"{API}/refs", {"pipeline": hanging})
    assert (answer.status_code, answer.json()["code"]) == (504, "source_timeout")


def clone(client: APIClient, **query: str) -> Any:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return client.post(f"{API}/clone?{text}")


def test_a_clone_has_the_files_of_the_revision(
    operator: APIClient, address: str, tmp_path: Path
) -> None:
    target = tmp_path / "allowed" / "mine"
    answer = clone(operator, pipeline=address, path=str(target), revision="dev")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"dest": str(target), "repo": address}
    assert (target / "main.nf").is_file()
    assert not (target / "nextflow_schema.json").exists()
    again = clone(operator, pipeline=address, path=str(target))
    assert (again.status_code, again.json()["code"]) == (409, "not_empty")


def test_a_clone_stays_below_the_roots(
    operator: APIClient, address: str, tmp_path: Path
) -> None:
    (tmp_path / "allowed" / "out").symlink_to(tmp_path)
    for path in (
        f"{tmp_path}/other",
        f"{tmp_path}/allowed/../other",
        f"{tmp_path}/allowed/out/other",
    ):
        answer = clone(operator, pipeline=address, path=path)
        assert (answer.status_code, answer.json()["code"]) == (403, "outside_roots")
    assert not (tmp_path / "other").exists()
    assert clone(operator, pipeline=address, path="allowed/x").status_code == 400
    assert clone(operator, pipeline=address).status_code == 400


def test_a_directory_is_not_cloned(
    operator: APIClient, address: str, tmp_path: Path
) -> None:
    source, path = str(tmp_path / "three"), f"{tmp_path}/allowed/x"
    assert clone(operator, pipeline=source, path=path).status_code == 400


def test_a_clone_of_what_is_not_there_leaves_nothing(
    operator: APIClient, site: Site, tmp_path: Path
) -> None:
    path = f"{tmp_path}/allowed/x"
    answer = clone(operator, pipeline="file:///nowhere/at/all", path=path)
    assert answer.status_code == 404
    assert list((tmp_path / "allowed").iterdir()) == []


def test_repositories_are_read_for_those_who_may_launch(
    address: str, db: None, settings: Settings
) -> None:
    viewer = client_with("read", "write", user=make_user("turret.view_launch"))
    reader = client_with("read", user=make_user("turret.launch_launch"))
    for client, status in ((APIClient(), 401), (viewer, 403), (reader, 200)):
        for call in ("schema", "refs"):
            answer = client.get(f"{API}/{call}", {"pipeline": address})
            assert answer.status_code == status
    assert clone(reader, pipeline=address, path="/x").status_code == 403
