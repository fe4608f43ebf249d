"""What processes load of the admin's pages, by their role."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import django; django.setup()
from django.contrib import admin
from django.urls import reverse
print(len(admin.site._registry), reverse("admin:turret_launch_changelist"))
"""


@pytest.mark.parametrize(
    ("role", "has_pages"),
    # Commands have no role, and their system checks look at the pages.
    [("up", False), ("cluster", False), ("web", True), ("", True)],
)
@pytest.mark.usefixtures("no_variables")
def test_processes_without_pages_find_their_addresses_all_the_same(
    role: str, has_pages: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=Path.cwd(),
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "seqhub.settings",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SEQHUB_ROLE": role,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages, address = done.stdout.split()
    assert (int(pages) > 0) == has_pages
    assert address == "/admin/turret/launch/"
