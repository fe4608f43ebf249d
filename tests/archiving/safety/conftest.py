from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.archiving.safety.ground import Ground
from tests.directories import open_directory


@pytest.fixture
def ground(settings: Settings) -> Iterator[Ground]:
    """A site with leases of two seconds. Its path is short: agents listen in it."""
    with open_directory() as directory:
        ground = Ground(directory, settings, lease_s=2)
        try:
            yield ground
        finally:
            ground.close()
