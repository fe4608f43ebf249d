"""System checks of where archives go and of who can open them; none of it stops
SeqHub but what would destroy data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from archiving.conf import ArchivingSection
from archiving.services.destination import is_bare
from seqhub.lib.patience import TimedOut, within

ANSWER_S = 5


@checks.register
def sealing(**_: Any) -> list[checks.CheckMessage]:
    """Whether all that sealing needs is named."""
    section: ArchivingSection = settings.CONFIG.archiving
    if settings.CONFIG.is_tryout:  # `up` makes what it needs
        return []
    if section.destination_path and not section.gpg_receivers:
        return [
            checks.Warning(
                "archiving.gpg_receivers names nobody: nothing is sealed.",
                hint="Name those whose keys are to open the archives, by fingerprint.",
                id="archiving.W001",
            )
        ]
    if section.gpg_receivers and not section.destination_path:
        return [
            checks.Warning(
                "archiving.destination_path is not set: nothing is sealed.",
                hint="Name the directory that the archives are to go to.",
                id="archiving.W002",
            )
        ]
    if len(section.gpg_receivers) == 1:
        return [
            checks.Warning(
                f"archiving.gpg_receivers: only {section.gpg_receivers[0]} can open"
                " the archives.",
                hint="If that key is lost, all archives are. Name a second person's,"
                " then: seqhub rewrap --all",
                id="archiving.W003",
            )
        ]
    return []


@checks.register
def directories(**_: Any) -> list[checks.CheckMessage]:
    """Whether each is there and can be used; a disk that hangs is told, too."""
    if settings.CONFIG.is_tryout:
        return []
    found: list[checks.CheckMessage] = []
    for key, path, access in _named(settings.CONFIG.archiving):
        try:
            problem = within(ANSWER_S, str(path), _problem, path, access)
        except TimedOut as error:
            problem = f"{error}", "Is its file server up?"
        if problem:
            what, hint = problem
            text = f"archiving.{key}: {what}."
            found.append(checks.Warning(text, hint=hint, id="archiving.W004"))
    return found


def _named(section: ArchivingSection) -> Iterator[tuple[str, Path, int]]:
    """Key, path, and the access (os.access) that is needed to each directory."""
    reading, writing = os.R_OK | os.X_OK, os.W_OK | os.X_OK
    for key, access in (
        ("sequencing_path", reading),
        ("destination_path", writing),
        ("run_keys_path", writing),
        ("gnupg_home", reading),
    ):
        if path := getattr(section, key):
            yield key, path, access
    for root in section.restore_roots:
        yield "restore_roots", root, writing


def _problem(path: Path, access: int) -> tuple[str, str] | None:
    """What is wrong with a directory, and what to do."""
    if not path.is_dir():
        what = "is not a directory" if path.exists() else "does not exist"
        return f"{path} {what}", "Mount it, make it, or correct the path."
    if not os.access(path, access):
        what = "written to" if access & os.W_OK else "read"
        hint = f"Give user number {os.geteuid()} the right to do so."
        return f"{path} can't be {what} by this user", hint
    return None


@checks.register
def unmounted(**_: Any) -> list[checks.CheckMessage]:
    """Whether the destination is empty though there are keys or manifests of
    archives. What the database knows of it is not at hand here."""
    config = settings.CONFIG
    destination = config.archiving.destination_path
    if config.is_tryout or destination is None:
        return []
    own = (config.run_keys_path, config.data_dir / "manifests")
    try:
        if not within(ANSWER_S, str(destination), is_bare, destination):
            return []
        told = [place for place in own if within(ANSWER_S, str(place), _is_used, place)]
    except (OSError, TimedOut):
        return []  # told above
    return [
        checks.Warning(
            f"archiving.destination_path: {destination} is empty, though {place} has"
            " what belongs to archives.",
            hint="Is its disk mounted? If archives are to go there from now on, this"
            " ends with the first one.",
            id="archiving.W006",
        )
        for place in told[:1]
    ]


def _is_used(directory: Path) -> bool:
    """Whether it holds a key or a manifest of an archive. Raises OSError."""
    if not directory.is_dir():
        return False
    with os.scandir(directory) as entries:
        return any(entry.name.endswith((".key.gpg", ".manifest")) for entry in entries)


@checks.register
def overlaps(**_: Any) -> list[checks.CheckMessage]:
    """Directories that must not lie in one another; links can hide it, so that
    what is compared is as far resolved as the disks answer."""
    config = settings.CONFIG
    if config.is_tryout:
        return []
    section: ArchivingSection = config.archiving
    found: list[checks.CheckMessage] = [
        checks.Error(
            f"archiving.restore_roots: {root} holds the data directory"
            f" {config.data_dir}.",
            hint="A restore could overwrite it: choose another directory.",
            id="archiving.E001",
        )
        for root in section.restore_roots
        if _lies_in(config.data_dir, root)
    ]
    watched = [root.path for root in config.runfolders.monitored_directories]
    if section.sequencing_path:
        watched.append(section.sequencing_path)
    found += [
        checks.Warning(
            f"archiving.destination_path: {section.destination_path} lies in {root},"
            " where runs are looked for.",
            hint="Archives are no runs: let them go elsewhere.",
            id="archiving.W005",
        )
        for root in watched
        if section.destination_path and _lies_in(section.destination_path, root)
    ]
    return found


def _lies_in(inner: Path, outer: Path) -> bool:
    return _resolved(inner).is_relative_to(_resolved(outer))


def _resolved(path: Path) -> Path:
    try:
        return within(ANSWER_S, str(path), path.resolve)
    except (TimedOut, OSError, RuntimeError):  # a loop of links
        return path
