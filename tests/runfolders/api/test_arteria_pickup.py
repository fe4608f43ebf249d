"""Pickup: one atomic claim, first come first served, of what is on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from rest_framework.test import APIClient

from runfolders.models import Root, Runfolder
from runfolders.services.holds import hold, release
from seqhub.operations.models import Event
from seqhub.operations.services.events import SYSTEM
from tests.clients import make_admin, token_of
from tests.factories import RunfolderFactory
from tests.runfolders.api.conftest import MakeRun

PICKUP = "/api/1.0/runfolders/pickup"
START = datetime(2024, 1, 1, tzinfo=UTC)
PROCESSES = 8
RUNS = 200


def test_it_hands_out_the_one_that_has_been_complete_the_longest(
    client: APIClient, make_run: MakeRun
) -> None:
    for name, day in (("c", 3), ("a", 1), ("d", 4), ("b", 2)):
        make_run(name, completed_at=START + timedelta(days=day))
    make_run("not ready", state="started", completed_at=START)
    got = []
    while (answer := client.get(PICKUP)).status_code == 200:
        assert answer.json()["state"] == "pending"
        got.append(Path(answer.json()["path"]).name)
    assert answer.status_code == 204
    assert got == ["a", "b", "c", "d"]


def test_a_claim_is_recorded(client: APIClient, make_run: MakeRun) -> None:
    run = make_run("RUN")
    client.get(PICKUP)
    event = Event.objects.get(kind="state_changed")
    assert event.runfolder_ref == run.pk
    assert (event.data["from"], event.data["to"]) == ("ready", "pending")
    assert event.actor.startswith("robot (")


def test_a_held_run_is_passed_over(client: APIClient, make_run: MakeRun) -> None:
    run = make_run("RUN")
    hold(run.pk, actor=SYSTEM, reason="")
    assert client.get(PICKUP).status_code == 204
    release(run.pk, actor=SYSTEM)
    assert client.get(PICKUP).json()["path"] == run.path


def test_what_is_gone_from_disk_is_passed_over_without_a_trace_of_a_claim(
    client: APIClient, make_run: MakeRun
) -> None:
    gone = [make_run(f"gone{n}", completed_at=START) for n in range(3)]
    there = make_run("there")
    for run in gone:
        shutil.rmtree(run.path)
    assert client.get(PICKUP).json()["path"] == there.path
    assert client.get(PICKUP).status_code == 204
    for run in gone:
        run.refresh_from_db()
        assert (run.state, run.missing_since is None) == ("ready", False)
    claims = Event.objects.filter(kind="state_changed")
    assert [claim.runfolder_ref for claim in claims] == [there.pk]


def test_nothing_is_handed_out_from_a_disk_that_is_not_mounted(
    client: APIClient, make_run: MakeRun, root: Root
) -> None:
    run = make_run("RUN")
    Root.objects.update(status="missing")
    assert client.get(PICKUP).status_code == 204
    Root.objects.update(status="available")
    assert client.get(PICKUP).json()["path"] == run.path


@pytest.mark.parametrize("method", ["head", "post", "put", "delete", "options"])
def test_no_other_method_picks_up(
    client: APIClient, make_run: MakeRun, method: str
) -> None:
    run = make_run("RUN")
    assert getattr(client, method)(PICKUP).status_code == 405
    run.refresh_from_db()
    assert run.state == "ready"


@pytest.fixture
def ready_runs(transactional_db: None, tmp_path: Path, root: Root) -> list[str]:
    """Paths of RUNS ready run folders in the order of their completion."""
    paths = []
    for number in range(RUNS):
        path = Path(root.path) / f"run{number}"
        path.mkdir()
        RunfolderFactory.create(
            root=root,
            instrument=None,
            complete=True,
            path=str(path),
            completed_at=START + timedelta(seconds=number),
        )
        paths.append(str(path))
    return paths


@pytest.fixture
def start_picker(transactional_db: None) -> Callable[[str], subprocess.Popen[str]]:
    def start(token: str) -> subprocess.Popen[str]:
        database = connection.settings_dict
        url = os.environ["DATABASE_URL"]
        base, _, query = url.partition("?")
        base = f"{base.rpartition('/')[0]}/{database['NAME']}"
        return subprocess.Popen(
            [sys.executable, "-m", "tests.runfolders.api.picker", token],
            env={**os.environ, "DATABASE_URL": f"{base}?{query}" if query else base},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.slow
def test_of_eight_processes_no_two_get_the_same_run_and_none_is_lost(
    ready_runs: list[str],
    start_picker: Callable[[str], subprocess.Popen[str]],
) -> None:
    token = token_of(make_admin())
    pickers = [start_picker(token) for _ in range(PROCESSES)]
    for picker in pickers:
        assert picker.stdout
        assert picker.stdout.readline() == "ready\n"
    for picker in pickers:
        assert picker.stdin
        picker.stdin.write("go\n")
        picker.stdin.flush()
    got = [picker.communicate(timeout=120)[0].split() for picker in pickers]
    assert [picker.returncode for picker in pickers] == [0] * PROCESSES

    everything = [path for paths in got for path in paths]
    assert sorted(everything) == sorted(ready_runs)
    assert sum(bool(paths) for paths in got) > 1, "they did not run side by side"
    for paths in got:
        assert paths == sorted(paths, key=ready_runs.index), "first in, first out"
    assert set(Runfolder.objects.values_list("state", flat=True)) == {"pending"}
    assert Event.objects.filter(kind="state_changed").count() == RUNS
