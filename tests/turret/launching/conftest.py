from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from tests.nextflow.runs import environment
from tests.turret.launching.site import Site, standin
from turret.engine.launching.process import MARK


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Iterator[Site]:
    """With a stand-in for Nextflow; what still runs of its launches is ended."""
    site = Site(tmp_path, standin(tmp_path))
    settings.CONFIG = site.config()
    yield site
    processes.end(_left(tmp_path), grace_s=0)


@pytest.fixture
def real(
    site: Site,
    nextflow: Path,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """The site with the real Nextflow, whose own files lie below `tmp_path`."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    site.nextflow = nextflow
    settings.CONFIG = site.config()
    return site


def _left(directory: Path) -> Iterator[ProcessId]:
    launches = directory / "launches"
    ids = {path.name for path in launches.iterdir()} if launches.is_dir() else set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if process.environ().get(MARK) in ids:
                yield ProcessId.of(process.pid)
