"""System checks of launching; none of it stops SeqHub."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from seqhub.lib.patience import TimedOut, within
from turret.conf import LauncherSection

ANSWER_S = 5
# Where Nextflow looks for it beside PATH.
JAVA_VARIABLES = ("JAVA_CMD", "JAVA_HOME", "NXF_JAVA_HOME")


@checks.register
def nextflow(**_: Any) -> list[checks.CheckMessage]:
    """Whether launches of this host find their program. Who has not set up launching
    need not have it."""
    section: LauncherSection = settings.CONFIG.turret.launcher
    if not section.model_fields_set or settings.CONFIG.is_tryout:
        return []
    if not shutil.which(section.nextflow):
        return [
            checks.Warning(
                f"turret.launcher.nextflow: there is no program {section.nextflow}.",
                hint="Install Nextflow, or name where it lies; launches of this host"
                " fail until then.",
                id="turret.W001",
            )
        ]
    if shutil.which("java") or any(map(os.environ.get, JAVA_VARIABLES)):
        return []
    return [
        checks.Warning(
            "There is no java on PATH, and JAVA_HOME is not set.",
            hint="Install the Java that Nextflow needs (apt install"
            " openjdk-17-jre-headless), unless yours brings its own.",
            id="turret.W002",
        )
    ]


@checks.register
def allowed_roots(**_: Any) -> list[checks.CheckMessage]:
    """Whether people who launch can browse each of them."""
    roots = settings.CONFIG.turret.launcher.allowed_roots
    return [problem for root in roots if (problem := _look_at(root))]


def _look_at(root: Path) -> checks.CheckMessage | None:
    try:
        if within(ANSWER_S, str(root), root.is_dir):
            return None
        problem = f"there is no directory {root}"
    except TimedOut as error:
        problem = str(error)
    return checks.Warning(
        f"turret.launcher.allowed_roots: {problem}.",
        hint="Mount it or correct the path; nobody can browse or upload there.",
        id="turret.W003",
    )
