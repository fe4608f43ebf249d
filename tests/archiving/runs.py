"""A site that seals: run folders on disk, keys, and places for what is made.

site = Site(tmp_path, settings)
run = site.add_run("A00834", files={"Data/a.bcl": b"..."})
...
site.close()
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from django.conf import LazySettings
from django.db import connection
from pytest_django import Settings

from archiving.conf import ArchivingSection
from archiving.engine.gpg.home import places
from archiving.models import ArchiveJob
from archiving.services.registration import register_path
from seqhub.operations.choices import Source
from seqhub.operations.services.events import Actor
from tests.archiving.keys import add_key, gpg, make_home, stop_agent
from tests.factories import HOST

RUN = "240131_A00834_0183_BHMTFYDRXX"
SENTINEL = ".metadata_rsync_exitcode"
SHELL = Actor(Source.COMMAND, "anna")
FILES = {
    "RunInfo.xml": b"<RunInfo/>",
    "Data/Intensities/s_1.bcl": b"\0\1" * 50_000,
    "Data/empty": b"",
}


class Site:
    """`sequencing/<sequencer>/<run>`, `archives`, `data`, and a key of `core`."""

    def __init__(
        self, path: Path, settings: Settings | LazySettings, **section: Any
    ) -> None:
        self.path = path
        self._settings = settings
        self.sequencing = path / "sequencing"
        self.destination = path / "archives"
        self.data = path / "data"
        for directory in (self.sequencing, self.destination, self.data):
            directory.mkdir()
        self.gnupg = make_home(path / "site-keys")
        self.fingerprint = add_key(self.gnupg, "core")
        self._section: dict[str, Any] = {}
        self._workers: list[subprocess.Popen[str]] = []
        self.configure(
            sequencing_path=self.sequencing,
            destination_path=self.destination,
            gpg_receivers=[self.fingerprint],
            gnupg_home=self.gnupg,
            free_space_margin_gb=0,
            **section,
        )

    def configure(self, **section: Any) -> None:
        """Change values of the `archiving` section."""
        self._section |= section
        archiving = ArchivingSection(**self._section)
        self._settings.CONFIG = self._settings.CONFIG.model_copy(
            update={"archiving": archiving, "data_dir": self.data}
        )

    def add_run(
        self,
        sequencer: str = "A00834",
        name: str = RUN,
        *,
        files: Mapping[str, bytes] = FILES,
        sentinel: str | None = "0\n",
    ) -> Path:
        """A small run folder; `sentinel` is what its sentinel holds."""
        run = self.sequencing / sequencer / name
        for file, content in files.items():
            (run / file).parent.mkdir(parents=True, exist_ok=True)
            (run / file).write_bytes(content)
        if sentinel is not None:
            (run / SENTINEL).write_text(sentinel)
        return run

    def add_job(self, run: Path | None = None) -> ArchiveJob:
        """The job of a run folder, asked for by a person."""
        return register_path(run or self.add_run(), actor=SHELL)

    def members(self, job: ArchiveJob) -> list[str]:
        """What stock gpg and tar find in an archive."""
        key = gpg(self.gnupg, "--decrypt", str(job.key_path))
        key_file = self.path / "opened.key"
        key_file.write_bytes(key)
        options = ("--pinentry-mode", "loopback", "--passphrase-file", str(key_file))
        stream = gpg(self.gnupg, *options, "--decrypt", str(job.archive_path))
        listed = subprocess.run(
            ["tar", "-t"], input=stream, check=True, capture_output=True
        )
        return listed.stdout.decode().split()

    def left_over(self) -> list[Path]:
        """Half-made files anywhere, and gpg homes."""
        left = list(self.path.rglob("*.partial"))
        for parent, prefix in places(self.data / "run" / "gnupg"):
            left += parent.glob(f"{prefix}*")
        return left

    def start_worker(self, *arguments: str) -> subprocess.Popen[str]:
        """A process of `tests.archiving.worker` with this configuration."""
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.archiving.worker", *arguments],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._workers.append(worker)
        return worker

    def environment(self) -> dict[str, str]:
        """For a process with this configuration, which uses the test's database."""
        file = self.path / "seqhub.yaml"
        section = {name: _plain(value) for name, value in self._section.items()}
        values = {"host": HOST, "data_dir": str(self.data), "archiving": section}
        file.write_text(yaml.safe_dump(values))
        base, _, query = os.environ["DATABASE_URL"].partition("?")
        url = f"{base.rpartition('/')[0]}/{connection.settings_dict['NAME']}"
        return {
            **os.environ,
            "DATABASE_URL": f"{url}?{query}" if query else url,
            "SEQHUB_CONFIG": str(file),
        }

    def close(self) -> None:
        """End what was started, however the test ended."""
        for worker in self._workers:
            worker.kill()
            worker.communicate()
        stop_agent(self.gnupg)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
