"""A pytest plugin: one embedded PostgreSQL for the test session.

Loaded by `-p tests.postgres`, before pytest-django reads the settings. With
DATABASE_URL set, that server is used instead (its user must be allowed to
create databases).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest


def _start() -> None:
    # Imported late: the variables below must be set before the settings load.
    from seqhub.postgres import EmbeddedPostgres

    directory = Path(tempfile.mkdtemp(prefix="seqhub-test-"))
    # The server runs under a user of its own when the tests run as root.
    directory.chmod(0o755)
    (directory / "seqhub.yaml").write_text("host: testhost\ndata_dir: data\n")
    os.environ["SEQHUB_CONFIG"] = str(directory / "seqhub.yaml")
    for name in list(os.environ):
        if name.startswith("SEQHUB_") and name != "SEQHUB_CONFIG":
            del os.environ[name]
    if "DATABASE_URL" not in os.environ:
        server = EmbeddedPostgres(directory / "data")
        server.create()
        use = server.use()
        use.__enter__()
        os.environ["DATABASE_URL"] = server.url
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        atexit.register(use.__exit__, None, None, None)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    # A worker of pytest-xdist inherits the server of the process that began.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _start()
