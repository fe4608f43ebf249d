from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiving.engine.gpg.home import open_home
from tests.archiving.keys import add_key, make_home, stop_agent


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A site's gnupg_home with a key of its own, `core`, secret key included."""
    home = make_home(tmp_path / "site")
    add_key(home, "core")
    yield home
    stop_agent(home)


@pytest.fixture
def home(tmp_path: Path, site: Path) -> Iterator[Path]:
    """An isolated home with the keys of `site`."""
    with open_home(tmp_path / "run", site) as path:
        yield path
