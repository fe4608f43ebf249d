from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archiving.engine.gpg.home import open_home
from tests.archiving.engine.sealed import Archive, seal_run
from tests.archiving.engine.trees import make_tree


@pytest.fixture
def private_home(tmp_path: Path) -> Iterator[Path]:
    """An isolated gpg home without any key, enough for passphrases."""
    (tmp_path / "no-keys").mkdir()
    with open_home(tmp_path / "gnupg", tmp_path / "no-keys") as home:
        yield home


@pytest.fixture
def archive(tmp_path: Path, private_home: Path) -> Archive:
    """A run folder with everything that tar keeps, and its archive."""
    (tmp_path / "sequencer").mkdir()
    run = make_tree(tmp_path / "sequencer")
    return seal_run(run, tmp_path / "archives", private_home)
