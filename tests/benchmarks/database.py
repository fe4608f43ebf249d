"""A database of its own for a benchmark, gone when it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.test.runner import DiscoverRunner

from tests import postgres


@contextmanager
def benchmark_database() -> Iterator[None]:
    """Django, set up on a fresh database of the embedded PostgreSQL."""
    postgres._start()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    django.setup()
    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        yield
    finally:
        runner.teardown_databases(databases)
