"""Runs that are sent to be sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from archiving.models import ArchiveJob
from runfolders.models import Runfolder
from seqhub.operations.models import Event
from tests.archiving.api.conftest import ClientOf
from tests.archiving.factories import ArchiveJobFactory
from tests.factories import InstrumentFactory, RootFactory, RunfolderFactory

API = "/api/archives/"


@pytest.fixture
def known(sealing: Path) -> Runfolder:
    """A run folder on disk that the scanner has found."""
    root = sealing.parent / "seq"
    (root / "KNOWN").mkdir(parents=True)
    return RunfolderFactory.create(
        root=RootFactory.create(path=str(root)),
        name="KNOWN",
        instrument=InstrumentFactory.create(serial="A00834"),
        complete=True,
    )


def send(client: APIClient, **body: object) -> Any:
    return client.post(API, body, format="json")


def arrive(sealing: Path, name: str) -> Path:
    path = sealing / name
    path.mkdir(parents=True)
    return path


def test_a_known_run_folder_is_named_in_many_ways(
    client: APIClient, known: Runfolder
) -> None:
    for body in (
        {"runfolder": known.pk},
        {"run": "KNOWN"},
        {"run": "A00834/KNOWN"},
        {"run": "seq/KNOWN"},
        {"run": known.path},
        {"run": f"{known.path}/"},
    ):
        answer = send(client, **body)
        assert answer.status_code == 201, answer.json()
        entry = answer.json()
        assert (entry["run"], entry["runfolder"]) == ("KNOWN", known.pk)
        assert entry["status"] == "pending"
        ArchiveJob.objects.all().delete()


@pytest.mark.parametrize("word", ["RUN", "A1/RUN", "{}/A1/RUN"])
def test_a_run_that_has_arrived_is_found(
    client: APIClient, sealing: Path, word: str
) -> None:
    path = arrive(sealing, "A1/RUN")
    (sealing / "A2").mkdir()
    answer = send(client, run=word.format(sealing))
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["path"], answer.json()["sequencer"]) == (str(path), "A1")
    assert Event.objects.get(kind="registered").actor.startswith("robot")


def test_the_second_time_it_is_known(client: APIClient, known: Runfolder) -> None:
    first = send(client, run="KNOWN").json()
    for body in ({"run": "KNOWN"}, {"runfolder": known.pk}, {"run": known.path}):
        answer = send(client, **body)
        assert answer.status_code == 200
        assert answer.json()["id"] == first["id"]
    assert Event.objects.filter(kind="registered").count() == 1


def test_a_run_that_was_sealed_is_known_when_its_folder_is_gone(
    client: APIClient, sealing: Path
) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    assert send(client, run=job.run_name).json()["id"] == job.pk


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"run": "NOT_THERE"}, 404, "not_found"),
        ({"run": "A1/NOT_THERE"}, 404, "not_found"),
        ({"run": "{}/A1/NOT_THERE"}, 404, "not_found"),
        ({"runfolder": 12345}, 404, "not_found"),
        ({"run": "/etc"}, 400, "invalid_value"),
        ({"run": "/not/there/at/all"}, 400, "invalid_value"),
        ({"run": "{}/A1"}, 400, "invalid_value"),
        ({"run": "{}/A1/RUN/Data"}, 400, "invalid_value"),
        ({"run": "{}/A1/../../restored"}, 400, "invalid_value"),
        ({"run": "{}/../restored/RUN"}, 400, "invalid_value"),
        ({"run": "../restored"}, 404, "not_found"),
        ({"run": "A1/.."}, 404, "not_found"),
        ({"run": "A1/RUN/Data"}, 404, "not_found"),
        ({"run": "{}/A1/file"}, 404, "not_found"),
        ({"run": "{}/A1/link"}, 400, "invalid_value"),
        ({"run": "/"}, 404, "not_found"),
        ({}, 400, "invalid"),
        ({"run": ""}, 400, "invalid"),
        ({"run": "a\0b"}, 400, "invalid"),
        ({"run": "RUN", "runfolder": 1}, 400, "invalid"),
        ({"runfolder": "x"}, 400, "invalid"),
        ({"runfolder": 2**63}, 400, "invalid"),
    ],
)
def test_what_is_no_run_is_refused_and_makes_nothing(
    client: APIClient, sealing: Path, body: dict[str, Any], status: int, code: str
) -> None:
    arrive(sealing, "A1/RUN/Data")
    (sealing / "A1/file").write_text("")
    (sealing / "A1/link").symlink_to("/etc")
    (sealing.parent / "restored/RUN").mkdir()
    body = {
        name: value.format(sealing) if isinstance(value, str) else value
        for name, value in body.items()
    }
    answer = send(client, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not ArchiveJob.objects.exists()


def test_a_name_that_two_runs_have_is_refused_with_both_paths(
    client: APIClient, sealing: Path, known: Runfolder
) -> None:
    paths = [str(arrive(sealing, f"{name}/RUN")) for name in ("A1", "A2")]
    answer = send(client, run="RUN")
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_run")
    assert answer.json()["detail"]["candidates"] == paths
    other = RunfolderFactory.create(name="KNOWN")
    answer = send(client, run="KNOWN")
    assert answer.json()["detail"]["candidates"] == [known.path, other.path]
    assert not ArchiveJob.objects.exists()


def test_without_a_destination_nothing_is_sealed(
    client: APIClient, known: Runfolder, configure: Any
) -> None:
    configure(destination_path=None)
    answer = send(client, run="KNOWN")
    assert (answer.status_code, answer.json()["code"]) == (409, "sealing_off")
    assert not ArchiveJob.objects.exists()


def test_viewers_have_nothing_sealed(client_of: ClientOf, known: Runfolder) -> None:
    assert send(client_of("viewer"), run="KNOWN").status_code == 403
    assert send(client_of("operator", "read"), run="KNOWN").status_code == 403
    assert not ArchiveJob.objects.exists()
    operator = client_of("operator")
    assert send(operator, run="KNOWN").status_code == 201
