from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.runfolders.runs import watch


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    """A directory that the host of the tests watches."""
    path = tmp_path / "root"
    path.mkdir()
    watch(settings, path)
    return path
