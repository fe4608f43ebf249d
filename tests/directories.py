"""Directories for tests that run an embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that the database's own user can enter; removed at the end.

    pytest's tmp_path is closed to every other user, and under root the embedded
    PostgreSQL is one.
    """
    path = Path(tempfile.mkdtemp(prefix="seqhub-test-")).resolve()
    try:
        if os.geteuid() == 0:
            path.chmod(0o711)
        yield path
    finally:
        shutil.rmtree(path)
