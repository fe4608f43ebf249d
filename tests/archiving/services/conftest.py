from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from archiving.models import ArchiveJob
from tests.archiving.runs import Site
from tests.archiving.services.archives import make_archive


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Iterator[Site]:
    """Where the host of the tests seals."""
    site = Site(tmp_path, settings)
    yield site
    site.close()


@pytest.fixture
def root(site: Site) -> Path:
    """The directory for restores."""
    path = site.path / "restores"
    path.mkdir()
    site.configure(restore_roots=[path])
    return path


@pytest.fixture
def job(site: Site, root: Path) -> ArchiveJob:
    return make_archive(site)
