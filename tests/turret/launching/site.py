"""A site that launches: directories, a program `nextflow`, people who may."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import connection

from seqhub.config import Config, build_config
from seqhub.lib.processes import ProcessId
from seqhub.operations.choices import Source
from seqhub.operations.services.events import Actor
from tests.clients import make_user
from tests.factories import HOST
from tests.nextflow.runs import PIPELINES
from turret.choices import ENDED_LAUNCH
from turret.engine.launching.files import LaunchFiles
from turret.models import Launch
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.submission import submit
from turret.services.launching.watching import Watch

PATIENCE_S = 60
ACTOR = Actor(Source.COMMAND, "somebody")
# In place of Nextflow, where only its life and end matter: `exit N`, or `sleep N`, as
# its parameters say; the rest it prints.
STANDIN = """\
#!/bin/bash
while [ $# -gt 0 ]; do
    case $1 in
        -params-file) file=$2 ;;
    esac
    shift
done
value() { sed -n 's/^ *"'"$1"'": \\([0-9]*\\),\\{0,1\\}$/\\1/p' "$file"; }
echo "a stand-in for Nextflow"
sleep "$(value sleep)" 2>/dev/null
exit "$(value exit)"
"""


@dataclass
class Site:
    """All of it lies below `directory`."""

    directory: Path
    nextflow: Path
    launcher: dict[str, Any] = field(default_factory=dict)
    _user: User | None = None

    @property
    def launches(self) -> Path:
        return self.directory / "launches"

    def values(self) -> dict[str, Any]:
        launcher = {
            "nextflow": str(self.nextflow),
            "work_dir": str(self.launches),
            "allowed_roots": [str(self.directory / "allowed")],
            **self.launcher,
        }
        return {
            "host": HOST,
            "data_dir": str(self.directory / "var"),
            "turret": {"launcher": launcher},
        }

    def config(self) -> Config:
        return build_config(self.values(), self.directory)

    @property
    def user(self) -> User:
        if self._user is None:
            self._user = make_user("turret.launch_launch")
        return self._user

    def submit(self, name: str = "three", /, **values: Any) -> Launch:
        values.setdefault("source", str(PIPELINES / name))
        return submit(LaunchRequest(**values), user=self.user, actor=ACTOR)

    def environment(self) -> dict[str, str]:
        """For a process of its own on the test database."""
        file = self.directory / "seqhub.yaml"
        file.write_text(json.dumps(self.values()))
        name = connection.settings_dict["NAME"]
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        kept = ("PATH", "HOME", "LANG", "NXF_HOME", "NXF_OPTS", "SLURM_CONF")
        ours = {key: os.environ[key] for key in kept if key in os.environ}
        return ours | {"SEQHUB_CONFIG": str(file), "DATABASE_URL": url}


def standin(directory: Path) -> Path:
    """The program of STANDIN."""
    program = directory / "standin"
    program.write_text(STANDIN)
    program.chmod(0o755)
    return program


def files(launch: Launch) -> LaunchFiles:
    return LaunchFiles(Path(launch.directory))


def printed(launch: Launch) -> str:
    try:
        return files(launch).output.read_text(errors="replace")
    except OSError:
        return ""


def look_until(look: Callable[[], object], watch: Watch | None = None) -> None:
    """Have the host's launches looked at until it is so."""
    watch = watch or Watch(HOST)
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, [
            (str(row), row.state, row.message, printed(row))
            for row in Launch.objects.all()
        ]
        watch.look()
        time.sleep(0.05)


def command_of(process: ProcessId) -> bytes:
    """Its arguments; empty once it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/cmdline").read_bytes()
    return b""


def state_of(launch: Launch) -> str:
    return Launch.objects.values_list("state", flat=True).get(pk=launch.pk)


def end(*launches: Launch) -> None:
    """Look until they have ended; their rows are fresh then."""
    watch = Watch(HOST)
    for launch in launches:
        look_until(lambda row=launch: state_of(row) in ENDED_LAUNCH, watch)  # type: ignore[misc]
        launch.refresh_from_db()
