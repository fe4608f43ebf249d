"""A site with runs, a destination and keys, and its shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import CommandError, call_command
from django.db import connection

from seqhub.config import Config, build_config
from tests.archiving.keys import add_key, make_home
from tests.factories import HOST
from tests.seqhub.commands import MANAGE


@dataclass(frozen=True)
class Answer:
    """Of a command."""

    code: int
    out: str
    err: str


class Site:
    """All its paths lie below `directory`; two people can open its archives, and the
    secret key of the first, `core`, is at hand."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.runs = directory / "runs"
        self.archives = directory / "archives"
        self.keys = directory / "var" / "run_keys"
        self.restores = directory / "restores"
        for path in (self.runs, self.archives, self.restores):
            path.mkdir()
        self.gnupg = make_home(directory / "gnupg")
        self.receivers = [
            add_key(self.gnupg, "core"),
            add_key(self.gnupg, "other", public_only=True),
        ]
        self.values: dict[str, Any] = {
            "host": HOST,
            "data_dir": str(directory / "var"),
            "archiving": {
                "sequencing_path": str(self.runs),
                "destination_path": str(self.archives),
                "gnupg_home": str(self.gnupg),
                "gpg_receivers": self.receivers,
                "restore_roots": [str(self.restores)],
                "free_space_margin_gb": 0,
                "lease_s": 5,
                "tar_exclusions": ["Thumbnail_Images"],
            },
        }

    def config(self, **archiving: Any) -> Config:
        """What it is configured to, with these values of `archiving` changed."""
        self.values["archiving"].update(archiving)
        return build_config(self.values, self.directory)

    def add_run(
        self, name: str, *, sequencer: str = "A00001", is_due: bool = False
    ) -> Path:
        """A small run folder; with the sentinel if it is due."""
        run = self.runs / sequencer / name
        (run / "Data" / "Intensities").mkdir(parents=True)
        (run / "RunInfo.xml").write_text(f"<RunInfo>{name}</RunInfo>")
        (run / "Data" / "Intensities" / "s.locs").write_bytes(os.urandom(10_000))
        (run / "Thumbnail_Images").mkdir()
        (run / "Thumbnail_Images" / "one.jpg").write_bytes(b"x" * 500)
        if is_due:
            (run / ".metadata_rsync_exitcode").write_text("0\n")
        return run

    def environment(self) -> dict[str, str]:
        """For a process of its own on the test database."""
        file = self.directory / "seqhub.yaml"
        file.write_text(json.dumps(self.values))
        name = connection.settings_dict["NAME"]
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "SEQHUB_CONFIG": str(file),
            "DATABASE_URL": url,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`manage.py ARGUMENTS`, running, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, MANAGE, *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def call(command: str, *arguments: object) -> Answer:
    """A command in this process; the exit code that the shell would see."""
    out, err = StringIO(), StringIO()
    code: Any = 0
    try:
        call_command(command, *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as ended:
        code = ended.code
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return Answer(int(code or 0), out.getvalue(), err.getvalue())
