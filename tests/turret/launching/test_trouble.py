"""What is in the way of a launch: a state, a reason and a next step on the row."""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from seqhub.lib import processes
from seqhub.operations.models import Attention
from tests.factories import HOST
from tests.needs import need
from tests.turret.launching.site import (
    ACTOR,
    Site,
    end,
    files,
    look_until,
    state_of,
)
from turret.choices import LaunchState
from turret.engine.launching import process
from turret.models import Launch
from turret.services.launching import plans
from turret.services.launching.cancelling import cancel
from turret.services.launching.environments import configured_compute
from turret.services.launching.starting import claim_due
from turret.services.launching.watching import Watch

pytestmark = pytest.mark.django_db(transaction=True)


def failed(launch: Launch, code: str) -> None:
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, code), launch.message
    assert launch.message
    assert launch.next_step
    attention = Attention.objects.get(subject=launch.subject)
    assert launch.message in attention.message


@pytest.mark.parametrize("program", ["no-such-nextflow", "/nowhere/nextflow"])
def test_there_is_no_nextflow(site: Site, settings: Settings, program: str) -> None:
    site.launcher["nextflow"] = program
    settings.CONFIG = site.config()
    failed(site.submit(), "no_nextflow")


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Cannot find Java or it's a wrong version -- please install Java 17",
        "java.lang.UnsupportedClassVersionError: nextflow/cli/Launcher is more recent",
        "Unrecognized option: --add-opens=java.base/java.lang=ALL-UNNAMED",
    ],
)
def test_its_java_is_the_wrong_one(site: Site, said: str) -> None:
    site.nextflow.write_text(f'#!/bin/bash\necho "{said}"\nexit 1\n')
    failed(site.submit(), "wrong_java")


def test_its_directory_can_not_be_made(site: Site, settings: Settings) -> None:
    site.launcher["work_dir"] = "/proc/nowhere"
    settings.CONFIG = site.config()
    failed(site.submit(), "not_writable")


def test_its_directory_is_no_directory(site: Site) -> None:
    site.launches.write_text("in the way")
    failed(site.submit(), "not_writable")


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
def test_a_disk_that_fails_for_a_moment_ends_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    launch = site.submit(params={"sleep": 0, "exit": 0})

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        # No disk here does that when it is told to.
        broken.setattr(process, "spawn", fail)
        broken.setattr(process, "claim", fail)
        Watch(HOST).look()
    assert state_of(launch) == LaunchState.STARTING
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED


# A disk of its own, which nobody else sees: its number of KB, where, what fills it.
MOUNT = """
set -e
mount -t tmpfs -o size="$1"k tmpfs "$2"
[ -z "$3" ] || cat /dev/zero >"$2/full" 2>/dev/null || true
shift 3
exec "$@"
"""


def look_with_disk(site: Site, size_kb: int, full: str) -> None:
    """Another process looks until all have ended; for it the launches lie on a small
    disk."""
    need(shutil.which("unshare") and os.geteuid() == 0, "needs root, for a disk")
    site.launches.mkdir()
    worker = [sys.executable, "-m", "tests.turret.launching.worker", "none"]
    disk = [str(size_kb), str(site.launches), full]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", MOUNT, "sh", *disk, *worker],
        env=site.environment() | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_its_disk_is_full(site: Site) -> None:
    launch = site.submit()
    look_with_disk(site, 64, full="yes")
    failed(launch, "disk_full")


def test_its_exit_code_is_kept_though_the_disk_has_filled(site: Site) -> None:
    site.nextflow.write_text(
        "#!/bin/bash\ncat /dev/zero >full 2>/dev/null\necho lost\nexit 3\n"
    )
    launch = site.submit()
    look_with_disk(site, 256, full="")
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.FAILED, 3)


def started(site: Site) -> Launch:
    """One that runs, and sleeps."""
    launch = site.submit(params={"sleep": 600, "exit": 0})
    look_until(lambda: state_of(launch) == LaunchState.RUNNING)
    launch.refresh_from_db()
    return launch


def test_a_disk_that_hangs_holds_it_up_and_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "ANSWER_S", 0.3)
    launch = site.submit(params={"sleep": 0, "exit": 0})
    directory = files(launch).directory
    directory.mkdir(parents=True)
    # To open it takes until somebody reads.
    os.mkfifo(files(launch).output)
    watch = Watch(HOST)
    watch.look()
    launch.refresh_from_db()
    assert (launch.state, launch.code) == (LaunchState.STARTING, "disk_silent")
    assert str(directory.parent) in launch.message
    with files(launch).output.open("rb"):
        look_until(lambda: state_of(launch) == LaunchState.SUCCEEDED, watch)


def test_its_directory_is_removed_while_it_runs(site: Site) -> None:
    launch = started(site)
    shutil.rmtree(files(launch).directory)
    watch = Watch(HOST)
    watch.look()
    assert state_of(launch) == LaunchState.RUNNING
    for member in processes.session_members(launch.pid or 0):
        member.send(signal.SIGKILL)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.LOST, "lost")
    assert "gone" in launch.message


def test_without_its_directory_it_is_cancelled_with_all_it_started(site: Site) -> None:
    launch = started(site)
    shutil.rmtree(files(launch).directory)
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert processes.session_members(launch.pid or 0) == []


def test_a_clock_that_was_set_back_gives_no_more_time(site: Site) -> None:
    text = site.nextflow.read_text()
    site.nextflow.write_text(text.replace("#!/bin/bash", "#!/bin/bash\ntrap '' TERM"))
    launch = started(site)
    cancel(launch.pk, actor=ACTOR)
    Watch(HOST).look()
    Launch.objects.update(kill_at=timezone.now() + dt.timedelta(hours=1))
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert processes.session_members(launch.pid or 0) == []


def test_who_asked_first_begins_first_whatever_the_clock_says(
    site: Site, settings: Settings
) -> None:
    site.launcher["max_concurrent"] = 1
    settings.CONFIG = site.config()
    first, second = site.submit(), site.submit()
    earlier = first.submitted_at - dt.timedelta(hours=1)
    Launch.objects.filter(pk=second.pk).update(submitted_at=earlier)
    claim_due(HOST)
    states = [state_of(first), state_of(second)]
    assert states == [LaunchState.STARTING, LaunchState.PENDING]


def test_a_log_of_many_gigabytes_and_odd_bytes_is_not_read_whole(site: Site) -> None:
    site.nextflow.write_text(
        "#!/bin/bash\ntruncate -s 3G ../output.log\n"
        "printf '\\nERROR ~ no \\0 such \\377\\033file\\n'\nexit 1\n"
    )
    launch = site.submit()
    failed(launch, "nextflow_failed")
    assert "no \ufffd such \ufffd file" in launch.message


def test_what_a_pipeline_prints_of_java_is_no_wrong_java(site: Site) -> None:
    site.nextflow.write_text(
        '#!/bin/bash\ntouch "$2"\necho "picard: set JAVA_HOME"\nexit 1\n'
    )
    failed(site.submit(), "nextflow_failed")


@pytest.mark.parametrize("home", ["/nowhere", "/etc"])
def test_there_is_no_java_where_it_is_looked_for(
    real: Site, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", home)
    failed(real.submit(), "wrong_java")


def test_what_it_goes_on_with_is_gone(site: Site) -> None:
    launch = site.submit()
    Launch.objects.update(resumed_session="x", launch_dir="/nowhere/at/all")
    failed(launch, "launch_dir_gone")


def test_lines_of_managers_that_are_no_bash_fail_it(site: Site) -> None:
    compute = configured_compute()
    compute.pre_run = "if then 'unclosed"
    compute.save()
    launch = site.submit()
    end(launch)
    assert launch.state in (LaunchState.FAILED, LaunchState.LOST)
    assert "a stand-in" not in files(launch).output.read_text()


def test_the_next_one_that_succeeds_puts_it_right(site: Site) -> None:
    text = site.nextflow.read_text()
    site.nextflow.write_text("#!/bin/bash\nexit 1\n")
    first = site.submit(params={"sleep": 0, "exit": 0})
    failed(first, "nextflow_failed")
    site.nextflow.write_text(text)
    second = site.submit(params={"sleep": 0, "exit": 0})
    end(second)
    assert second.state == LaunchState.SUCCEEDED
    assert not Attention.objects.filter(subject__startswith="launch:").exists()


def test_trouble_with_one_is_none_of_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = site.submit(params={"sleep": 0, "exit": 0})
    good = site.submit(params={"sleep": 0, "exit": 0})
    Launch.objects.filter(pk=broken.pk).update(directory="\N{DIGIT ONE}" + "x" * 300)
    end(good)
    assert good.state == LaunchState.SUCCEEDED


def test_it_gets_an_environment_of_named_variables(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = configured_compute()
    compute.environment = ["SITE_KEY", "DATABASE_URL"]
    compute.save()
    for name in ("SITE_KEY", "NXF_SYNTAX", "OTHER_KEY", "PGPASSWORD", "SEQHUB_X"):
        monkeypatch.setenv(name, f"value of {name}")
    site.nextflow.write_text("#!/bin/bash\nenv\n")
    launch = site.submit()
    end(launch)
    names = {
        line.partition("=")[0] for line in files(launch).output.read_text().split("\n")
    }
    assert {"PATH", "HOME", "SITE_KEY", "NXF_SYNTAX", "SEQHUB_LAUNCH"} <= names
    assert not names & {"OTHER_KEY", "PGPASSWORD", "SEQHUB_X", "DATABASE_URL"}


def test_secrets_are_in_its_parameters_alone(site: Site) -> None:
    secret = "correct horse battery"
    launch = site.submit(params={"sleep": 600, "exit": 0, "db_password": secret})
    Watch(HOST).look()
    seen = b"".join(_read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))
    assert launch.launch_id.encode() in seen
    assert secret.encode() not in seen
    found = [
        p.name for p in files(launch).directory.iterdir() if secret.encode() in _read(p)
    ]
    assert found == ["params.json"]
    modes = {
        p.name: p.stat().st_mode & 0o077 for p in files(launch).directory.iterdir()
    }
    assert modes["params.json"] == modes["launch.config"] == modes["output.log"] == 0
    assert files(launch).directory.stat().st_mode & 0o077 == 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def test_values_are_no_words_of_the_shell(site: Site, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    value = f"a'b\"c\n$(touch {trap}) `touch {trap}` ;"
    site.nextflow.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    source = f"/data/$(touch${{IFS}}{trap})/'quoted'"
    launch = site.submit(source=source, params={"text": value})
    Launch.objects.filter(pk=launch.pk).update(profile=value, revision=value)
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED
    assert value in files(launch).output.read_text()
    assert source in files(launch).output.read_text()
    assert not trap.exists()
    assert list(files(launch).launch_dir.iterdir()) == []
