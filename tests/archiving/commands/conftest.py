from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.archiving.commands.shell import Site
from tests.archiving.keys import stop_agent


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Iterator[Site]:
    site = Site(tmp_path)
    settings.CONFIG = site.config()
    yield site
    stop_agent(site.gnupg)
