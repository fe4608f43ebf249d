"""Real git repositories of pipelines, for tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.nextflow.runs import PIPELINES
from tests.turret.engine.pipelines.repositories import git


def make_repository(place: Path, pipeline: str = "three") -> str:
    """The file:// address of one with the branches main and dev and the tag 1.2.0; dev
    has no schema."""
    shutil.copytree(PIPELINES / pipeline, place)
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message=first")
    git(place, "tag", "1.2.0")
    git(place, "checkout", "--quiet", "-b", "dev")
    git(place, "rm", "--quiet", "--ignore-unmatch", "nextflow_schema.json")
    git(place, "commit", "--quiet", "--allow-empty", "--message=second")
    git(place, "checkout", "--quiet", "main")
    return f"file://{place}"
