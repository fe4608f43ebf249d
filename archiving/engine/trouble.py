"""Errors of disks, in words that tell a person what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archiving.engine.members import shown
from archiving.errors import Code, Trouble
from seqhub.lib.files import is_disk_full

# What programs report of a disk, in the words of the C locale.
_SAID = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)


def source_missing(source: Path) -> Trouble:
    return Trouble(
        Code.SOURCE_MISSING,
        f"{source} is not there",
        "Is its disk mounted? If the run was moved, retry once it is back.",
    )


@contextmanager
def reading_source(source: Path) -> Iterator[None]:
    """OSError of a walk through the run, as Trouble."""
    try:
        yield
    except OSError as error:
        if not source.is_dir():
            raise source_missing(source) from error
        if isinstance(error, FileNotFoundError):
            raise Trouble(
                Code.SOURCE_CHANGED,
                f"the run changed while it was looked through: {_named(error)} is gone",
                "Nothing may write into it; it is tried again by itself.",
            ) from error
        raise Trouble(
            Code.SOURCE_UNREADABLE,
            f"not all of the run can be read: {_named(error)}: {error.strerror}",
            "Let the user that runs SeqHub read every file, and look at the disk "
            "if it reports input/output errors.",
        ) from error


def _named(error: OSError) -> str:
    """The file that an error is about; the walk has names in bytes."""
    name = error.filename
    return shown(os.fsencode(name)) if name is not None else "a file in it"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """OSError of writing to the directory of `path`, as Trouble."""
    try:
        yield
    except OSError as error:
        raise destination_trouble(path.parent, error) from error


def said_of_disk(directory: Path, messages: str) -> Trouble | None:
    """What tar or gpg, writing to the directory, said of its disk; None if nothing."""
    for number in _SAID:
        words = os.strerror(number)
        if words in messages:
            return destination_trouble(directory, OSError(number, words))
    return None


def destination_trouble(directory: Path, error: OSError) -> Trouble:
    """What an error of writing there means, and what to do."""
    if is_disk_full(error):
        return Trouble(
            Code.DESTINATION_FULL,
            f"{directory} is full",
            "Free space there; it is tried again by itself.",
        )
    if error.errno == errno.EROFS:
        return Trouble(
            Code.DESTINATION_READ_ONLY,
            f"{directory} can be read only",
            "Remount it for writing: a disk with errors becomes read-only by itself.",
        )
    if not directory.is_dir():
        return Trouble(
            Code.DESTINATION_MISSING,
            f"{directory} is not there",
            "Mount it, or correct the configuration.",
        )
    return Trouble(
        Code.DESTINATION_FAILED,
        f"{directory} can't be written: {error.strerror}",
        "Look at the disk, and at who may write there.",
    )
