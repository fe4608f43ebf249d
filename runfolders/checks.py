"""System checks of the directories that are watched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from seqhub.lib.patience import TimedOut, within

ANSWER_S = 5


@checks.register
def monitored_directories(**_: Any) -> list[checks.CheckMessage]:
    """Whether the scanner can see each of them; none of it stops SeqHub."""
    if settings.CONFIG.is_tryout:  # `up` makes the example
        return []
    roots = settings.CONFIG.runfolders.monitored_directories
    # Runs may be for sealing alone: that one has checks of its own.
    if not roots and not settings.CONFIG.archiving.sequencing_path:
        return [
            checks.Warning(
                "runfolders.monitored_directories: nothing is watched.",
                hint="Name the directories that sequencers write into, in "
                f"{settings.CONFIG.file or 'the configuration'}.",
                id="runfolders.W004",
            )
        ]
    return [problem for root in roots if (problem := _look_at(root.path))]


def _look_at(root: Path) -> checks.CheckMessage | None:
    try:
        return within(ANSWER_S, str(root), _problem, root)
    except TimedOut as error:
        return checks.Warning(
            f"runfolders.monitored_directories: {error}.",
            hint="Is its file server up? Its runs are shown as they were last seen.",
            id="runfolders.W003",
        )


def _problem(root: Path) -> checks.CheckMessage | None:
    if not root.is_dir():
        what = "is not a directory" if root.exists() else "does not exist"
        return checks.Warning(
            f"runfolders.monitored_directories: {root} {what}.",
            hint="Mount it or correct the path. SeqHub never makes one, and goes on"
            " with the others.",
            id="runfolders.W001",
        )
    if not os.access(root, os.R_OK | os.X_OK):
        return checks.Warning(
            f"runfolders.monitored_directories: {root} can't be read by this user.",
            hint=f"Allow user number {os.geteuid()} to list and enter it.",
            id="runfolders.W002",
        )
    return None
