from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from runfolders.conf import MonitoredDirectory
from runfolders.models import Root, Runfolder
from tests.clients import client_with
from tests.factories import RootFactory, RunfolderFactory

MakeRun = Callable[..., Runfolder]


@pytest.fixture
def client(db: None) -> APIClient:
    """May read and write, with a token."""
    return client_with("read", "write")


@pytest.fixture
def configure(settings: Settings) -> Callable[..., None]:
    """Changes the configuration's section of run folders."""

    def change(**values: object) -> None:
        section = settings.CONFIG.runfolders.model_copy(update=values)
        config = settings.CONFIG.model_copy(update={"runfolders": section})
        settings.CONFIG = config

    return change


@pytest.fixture
def root(db: None, tmp_path: Path, configure: Callable[..., None]) -> Root:
    """A monitored directory that is there."""
    path = tmp_path / "seq"
    path.mkdir()
    configure(monitored_directories=[MonitoredDirectory(path=path)])
    return RootFactory.create(path=str(path))


@pytest.fixture
def make_run(root: Root) -> MakeRun:
    """Makes a run folder that is on disk and known, complete unless told otherwise."""

    def make(name: str, **fields: object) -> Runfolder:
        (Path(root.path) / name).mkdir()
        fields = {"complete": True, "completed_at": timezone.now(), **fields}
        return RunfolderFactory.create(root=root, name=name, **fields)

    return make
