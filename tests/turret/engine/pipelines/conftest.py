from __future__ import annotations

from pathlib import Path

import pytest

from tests.turret.engine.pipelines.repositories import Origin, made
from turret.engine.pipelines.repository import Repository


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return made(tmp_path / "origin")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "cache", limit_s=30)
