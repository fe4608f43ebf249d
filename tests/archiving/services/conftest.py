from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.archiving.runs import Site


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Iterator[Site]:
    """Where the host of the tests seals."""
    site = Site(tmp_path, settings)
    yield site
    site.close()
