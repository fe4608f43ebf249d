"""Pipelines fetched for launches, or not; a stand-in is run in Nextflow's place."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import HOST
from tests.turret.engine.pipelines.repositories import Origin, made, served
from tests.turret.launching.site import ACTOR, Site, end, files, look_until, state_of
from tests.turret.services.calls import create_call
from turret.choices import LaunchState
from turret.engine.records import Begin, Run
from turret.errors import BadLaunch
from turret.models import Workflow
from turret.services import creation, tracing
from turret.services.callers import NO_TOKEN, Caller
from turret.services.launching.cancelling import cancel
from turret.services.launching.checkouts import place_of
from turret.services.launching.fetching import fetch
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.resuming import resume
from turret.services.launching.submission import preview
from turret.services.launching.watching import Watch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return made(tmp_path / "origin")


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes every call and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/org/repo"


def test_the_checkout_is_run_and_told(site: Site, origin: Origin) -> None:
    launch = site.submit(source=origin.url, revision="1.0", params={"exit": 0})
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED
    place = files(launch).pipeline / "pipe"
    assert (place / "README.md").read_text() == "one"
    script = files(launch).script.read_text()
    assert f" run {place} " in script
    assert "-revision" not in script
    assert place.stat().st_mode & 0o777 == 0o755
    assert files(launch).directory.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("source", "revision", "said"),
    [
        ("{url}", "nothing", "no revision of this name"),
        ("{url}", "0123456", "no commit begins with 0123456"),
        ("{url}x", "", "there is no git repository at"),
        ("http://127.0.0.1:1/a/b", "", "git can't read"),
    ],
)
def test_one_that_can_not_be_fetched_has_failed(
    site: Site, origin: Origin, source: str, revision: str, said: str
) -> None:
    launch = site.submit(source=source.format(url=origin.url), revision=revision)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "no_pipeline")
    assert said in launch.message
    assert launch.next_step
    assert launch.exit_code is None
    assert launch.workflow.commit_id == ""


def test_one_that_asks_for_a_password_says_so(
    site: Site, origin: Origin, tmp_path: Path
) -> None:
    with served(origin.bare.parent) as address:
        launch = site.submit(source=f"{address}/private/pipe.git")
        end(launch)
    assert launch.state == LaunchState.FAILED
    assert "asks for a password or a key" in launch.message


def test_one_that_hangs_keeps_nobody_back_and_is_cancelled(
    site: Site, silent: str
) -> None:
    slow = site.submit(source=silent)
    quick = site.submit("three", params={"exit": 0})
    watch = Watch(HOST)
    look_until(lambda: state_of(quick) == LaunchState.SUCCEEDED, watch)
    slow.refresh_from_db()
    assert (slow.state, slow.code) == (LaunchState.STARTING, "fetching")
    cancel(slow.pk, actor=ACTOR)
    look_until(lambda: state_of(slow) == LaunchState.CANCELLED, watch)


def test_it_is_fetched_once(site: Site, origin: Origin) -> None:
    launch = site.submit(source=origin.url, params={"sleep": 0, "exit": 0})
    watches = [Watch(HOST) for _ in range(3)]
    for watch in watches:
        watch.look()
    end(launch)
    place = files(launch).pipeline / "pipe"
    before = place.stat().st_mtime_ns
    fetch(launch.pk)
    assert place.stat().st_mtime_ns == before


def test_what_nextflow_says_of_the_directory_hides_nothing(
    site: Site, origin: Origin
) -> None:
    launch = site.submit(source=origin.url, revision="1.0", params={"sleep": 300})
    look_until(lambda: state_of(launch) == LaunchState.RUNNING)
    caller = Caller(None, NO_TOKEN, True, "", "", "Nextflow/24.10.0")
    call = create_call(
        workflow_id=launch.launch_id,
        run_name=launch.run_name,
        project_name="main.nf",
        repository="",
    )
    assert creation.workflow_id_of(call, caller, None) == launch.launch_id
    told = Run(project_name="main.nf", project_dir="/x", run_name=launch.run_name)
    begin = Begin(told, [], dag=None, instant=None)
    tracing.begin(launch.launch_id, begin, caller)
    row = Workflow.objects.get(pk=launch.workflow_id)
    assert row.project_dir == "/x"
    assert (row.project_name, row.repository) == (origin.url, origin.url)
    assert (row.revision, len(row.commit_id)) == ("1.0", 40)


def test_a_preview_names_the_checkout(site: Site, origin: Origin) -> None:
    request = LaunchRequest(source=origin.url, revision="1.0")
    argv = preview(request, user=site.user).argv
    source = argv[argv.index("run") + 1]
    assert source.endswith("/pipeline/pipe")
    assert "-revision" not in argv


@pytest.mark.parametrize("told", ["{other}/pipeline/pipe", "{site}/../x"])
def test_where_a_run_tells_that_its_pipeline_is_nothing_is_written(
    site: Site, origin: Origin, told: str
) -> None:
    first, other = (
        site.submit(source=origin.url, revision="1.0", params={"exit": 0})
        for _ in range(2)
    )
    end(first)
    end(other)
    first.workflow.project_dir = told.format(other=other.directory, site=site.launches)
    first.workflow.save(update_fields=["project_dir"])
    again = resume(first.workflow_id, user=site.user, actor=ACTOR, changes={})
    assert place_of(again) == files(again).pipeline / "pipe"


def test_a_directory_takes_no_revision(site: Site, origin: Origin) -> None:
    with pytest.raises(BadLaunch) as refusal:
        site.submit(source=str(origin.checkout), revision="1.0")
    assert list(refusal.value.fields) == ["revision"]
    assert f"file://{origin.checkout}" in refusal.value.fields["revision"]
