"""Run folders made for testing a client, as Arteria offers them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from runfolders.choices import Sequencing
from runfolders.engine.completion import RTA
from runfolders.errors import CreationRefused
from runfolders.models import Runfolder
from runfolders.services.history import record
from runfolders.services.refresh import ANSWER_S, refresh_path
from runfolders.services.roots import root_of
from runfolders.services.sequencing import override_sequencing
from seqhub.lib.patience import within
from seqhub.operations.services.events import Actor

# What the old service writes, word for word as clients' tests expect it.
RUN_PARAMETERS = """\
<?xml version="1.0" encoding="utf-8"?>
<RunParameters>
  <ReagentKitBarcode>AB1234567-123V1</ReagentKitBarcode>
  <RfidsInfo>
    <LibraryTubeSerialBarcode>NV0012345-LIB</LibraryTubeSerialBarcode>
  </RfidsInfo>
  <ScannerID>M04499</ScannerID>
</RunParameters>
"""


def create_test_runfolder(host: str, path: str, *, actor: Actor) -> Runfolder:
    """Make a directory with a runParameters.xml, known at once.

    Raises CreationRefused, NotMonitored, TimedOut.
    """
    _check_enabled()
    path = path.rstrip("/")
    root = root_of(host, path, now=timezone.now())
    try:
        within(ANSWER_S, root.path, _make, root.path, Path(path))
    except FileExistsError:
        raise CreationRefused(f"{path} is there already.") from None
    except OSError as error:
        raise CreationRefused(f"{path} can't be made: {error.strerror}.") from None
    runfolder = refresh_path(host, path)
    record(
        runfolder,
        "created",
        "Made for testing.",
        actor=actor,
    )
    return runfolder


def mark_as_ready(host: str, path: str, *, actor: Actor) -> Runfolder:
    """Write RTAComplete.txt; the run is complete from then on, whatever the rules.

    Raises CreationRefused, NotMonitored, RunfolderNotFound, TimedOut.
    """
    _check_enabled()
    runfolder = refresh_path(host, path)
    if runfolder.pk is None:
        raise CreationRefused(f"{runfolder.path} is no run folder.")
    try:
        marker = runfolder.location / RTA
        root = runfolder.root.path
        within(ANSWER_S, root, _write, root, marker)
    except OSError as error:
        raise CreationRefused(
            f"{RTA} can't be written in {runfolder.path}: {error.strerror}."
        ) from None
    runfolder = refresh_path(host, path)
    if runfolder.sequencing == Sequencing.COMPLETE:
        return runfolder
    return override_sequencing(
        runfolder.pk, Sequencing.COMPLETE, actor=actor, reason="marked as ready"
    )


def _check_enabled() -> None:
    if not settings.CONFIG.runfolders.can_create_runfolder:
        raise CreationRefused(
            "Creating run folders is not enabled (runfolders.can_create_runfolder)."
        )


def _make(root: str, path: Path) -> None:
    _refuse_links(root, path.parent)
    path.mkdir()
    _write(root, path / "runParameters.xml", RUN_PARAMETERS)


def _write(root: str, path: Path, content: str = "") -> None:
    """Make a file; what is there already is not changed."""
    _refuse_links(root, path.parent)
    with suppress(FileExistsError), path.open("x") as file:
        file.write(content)


def _refuse_links(root: str, directory: Path) -> None:
    """A link below the root may lead anywhere. Raises CreationRefused."""
    real = Path(os.path.realpath(root)) / directory.relative_to(root)
    if os.path.realpath(directory) != str(real):
        raise CreationRefused(f"{directory} lies behind a symbolic link.")
