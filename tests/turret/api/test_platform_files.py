"""`/api/workflow/{id}/log` and `/download`: files where they can be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.turret.factories import TaskFactory, WorkflowFactory
from turret.api.platform import files

Allow = Callable[..., None]


@pytest.fixture
def allow(settings: Settings) -> Allow:
    """Lets directories be read."""

    def change(*roots: Path) -> None:
        section = settings.CONFIG.turret.model_copy(
            update={"readable_roots": list(roots)}
        )
        settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})

    return change


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where run x was started, and where its task 1 worked."""
    place = tmp_path / "runs"
    place.mkdir()
    run = WorkflowFactory.create(workflow_id="x", launch_dir=str(place))
    TaskFactory.create(workflow=run, task_id=1, workdir=str(place))
    return place


def test_the_log_is_read_where_it_may(
    client: APIClient, place: Path, allow: Allow
) -> None:
    (place / ".nextflow.log").write_text("one\ndb_password = hunter2\nthree\n")
    allow(place)
    log = client.get("/api/workflow/x/log").json()["log"]
    assert log["entries"][::2] == ["one", "three"]
    assert "hunter2" not in str(log)
    assert (log["truncated"], log["pending"]) == (False, False)
    answer = client.get("/api/workflow/x/download?fileName=nf-x.log")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.startswith(b"one\n")
    assert b"hunter2" not in answer.content


def test_the_log_holds_the_command_line_and_is_not_for_all(
    viewer: APIClient, place: Path, allow: Allow
) -> None:
    (place / ".nextflow.log").write_text("$> nextflow run x\n")
    allow(place)
    for path in ("log", "download?fileName=nf-x.log"):
        assert viewer.get(f"/api/workflow/x/{path}").status_code == 403


def test_of_a_long_log_the_end_is_read(
    client: APIClient, place: Path, allow: Allow
) -> None:
    lines = "".join(f"line {number}\n" for number in range(50_000))
    (place / ".nextflow.log").write_text(lines)
    allow(place)
    log = client.get("/api/workflow/x/log").json()["log"]
    assert log["truncated"] is True
    assert log["entries"][-1] == "line 49999"
    assert 10_000 < len(log["entries"]) < 50_000


@pytest.mark.parametrize("name", files.OF_TASKS)
def test_what_a_task_wrote_is_read(
    client: APIClient, place: Path, allow: Allow, name: str
) -> None:
    (place / name).write_text("hello\n")
    allow(place.parent)
    answer = client.get(f"/api/workflow/x/download/1?fileName={name}")
    assert answer.content == b"hello\n"


@pytest.mark.parametrize(
    "path",
    [
        "download",
        "download?fileName=.nextflow.log",
        "download?fileName=../x",
        "download/1?fileName=.command.run",
        "download/1?fileName=..%2Fsecret",
        "download/1",
        "download/2?fileName=.command.out",
        "download/1?fileName=.command.out",
        "log",
    ],
)
def test_what_is_not_there_or_none_of_ours_is_404(
    client: APIClient, place: Path, allow: Allow, path: str
) -> None:
    (place / ".command.run").write_text("export TOKEN=1")
    (place.parent / "secret").write_text("secret")
    allow(place.parent)
    answer = client.get(f"/api/workflow/x/{path}")
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_nothing_is_read_beyond_the_roots(
    client: APIClient, place: Path, tmp_path: Path, allow: Allow
) -> None:
    (place / ".nextflow.log").write_text("text")
    assert client.get("/api/workflow/x/log").status_code == 404
    allow(tmp_path / "elsewhere")
    answer = client.get("/api/workflow/x/log")
    assert answer.status_code == 404
    assert "turret.readable_roots" in answer.json()["message"]


def test_no_link_and_no_pipe_is_read(
    client: APIClient, place: Path, tmp_path: Path, allow: Allow
) -> None:
    allow(place)
    (tmp_path / "secret").write_text("secret")
    (place / ".nextflow.log").symlink_to(tmp_path / "secret")
    os.mkfifo(place / ".command.out")
    for path in ("log", "download/1?fileName=.command.out"):
        assert client.get(f"/api/workflow/x/{path}").status_code == 404
