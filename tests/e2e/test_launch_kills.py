"""kill -9 of a whole site while it launches: Nextflow goes on, and is found again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from tests.e2e.sites import Site, eventually, new_site
from tests.nextflow.runs import PIPELINES, environment
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.process import kill, read_process

pytestmark = pytest.mark.slow


@pytest.fixture
def site(nextflow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with new_site() as site:
        for name, value in environment(site.directory).items():
            monkeypatch.setenv(name, value)
        config = {"host": site.host, "nextflow": nextflow}
        (site.directory / "seqhub.yaml").write_text(
            "host: {host}\nturret:\n  launcher:\n    nextflow: {nextflow}\n".format(
                **config
            )
        )
        site.start()
        try:
            yield site
        finally:
            for files in launched(site):
                if script := read_process(files):
                    kill(files, script)


def launched(site: Site) -> list[LaunchFiles]:
    directory = site.data_dir / "launches"
    if not directory.is_dir():
        return []
    return [LaunchFiles(path) for path in directory.iterdir()]


def launch(site: Site, seconds: int) -> LaunchFiles:
    """One that sleeps."""
    values = ["--param", "samples=a", "--param", f"seconds={seconds}"]
    done = site.command("launch", str(PIPELINES / "sleeps"), *values)
    assert done.returncode == 0, done.stderr
    files = LaunchFiles(site.data_dir / "launches" / done.stdout.strip())
    eventually(lambda: "SLEEP (a)" in printed(files), f"the launch\n{site.log}")
    return files


def printed(files: LaunchFiles) -> str:
    return files.output.read_text() if files.output.exists() else ""


def state(site: Site, files: LaunchFiles) -> str:
    rows = site.query(
        "SELECT launch.state FROM turret_launch launch JOIN turret_workflow workflow"
        " ON launch.workflow_id = workflow.id WHERE workflow.workflow_id = %s",
        files.directory.name,
    )
    return str(rows[0][0])


def script_of(files: LaunchFiles) -> ProcessId:
    script = read_process(files)
    assert script
    return script


def test_nextflow_outlives_the_site_and_is_found_again(site: Site) -> None:
    short, long = launch(site, 8), launch(site, 600)
    scripts = script_of(short), script_of(long)
    site.kill_everything()
    assert all(script.is_alive() for script in scripts)
    site.start()
    assert scripts[1].is_alive()
    eventually(lambda: state(site, short) == "succeeded", f"the end\n{site.log}")
    assert state(site, long) == "running"
    cancelled = site.command("cancel", long.directory.name)
    assert cancelled.returncode == 0, cancelled.stderr
    eventually(lambda: state(site, long) == "cancelled", f"the cancel\n{site.log}")
    assert processes.session_members(scripts[1].pid) == []
    assert "errored" not in site.log


def test_what_ended_while_the_site_was_away_is_known(site: Site) -> None:
    short, killed = launch(site, 5), launch(site, 600)
    site.kill_everything()
    script = script_of(killed)
    for member in processes.session_members(script.pid):
        member.send(9)
    eventually(short.exit_code.exists, "the end of the short one")
    site.start()
    eventually(lambda: state(site, short) == "succeeded", f"its end\n{site.log}")
    eventually(lambda: state(site, killed) == "lost", f"its loss\n{site.log}")


def postmaster(site: Site) -> list[ProcessId]:
    text = (site.data_dir / "postgres" / "postmaster.pid").read_text()
    return [ProcessId.of(int(text.split("\n")[0]))]


def workers(site: Site) -> list[ProcessId]:
    return processes.session_members(site.sessions()[f"local-{site.host}"])


def web_server(site: Site) -> list[ProcessId]:
    return processes.session_members(site.sessions()["web"])


def test_parts_of_the_site_are_killed_and_launches_go_on(site: Site) -> None:
    files = launch(site, 5)
    for part in (web_server, workers, postmaster):
        for process in part(site):
            process.send(9)
    eventually(files.exit_code.exists, f"its end\n{site.log}")
    eventually(site.is_ready, f"the site\n{site.log}")
    eventually(lambda: state(site, files) == "succeeded", f"the news\n{site.log}")


def test_it_is_stopped_by_nothing_of_ours(site: Site) -> None:
    files = launch(site, 600)
    environ = Path(f"/proc/{script_of(files).pid}/environ").read_bytes()
    names = {os.fsdecode(part).partition("=")[0] for part in environ.split(b"\0")}
    ours = ("SEQHUB_", "DJANGO_", "DATABASE", "PG")
    assert not [name for name in names if name.startswith(ours)]
    assert site.stop() == 0
    assert script_of(files).is_alive()
