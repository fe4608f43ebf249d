"""What an attempt has made and verified gets its names: all of it, or none.

Each step may be done twice, by whoever finds the note of a worker that is gone.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any

from archiving.engine.trouble import writing
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob
from archiving.services.destination import missing_disk
from archiving.services.naming import Artifact, Artifacts
from seqhub.lib.files import fsync_directory, write_atomic

log = logging.getLogger(__name__)

# Some file systems know one name a file only.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

# Final path -> size and mtime in nanoseconds; None where nothing is.
Standing = Mapping[str, tuple[int, int] | None]


class Gone(Exception):
    """A file that was to be published is neither here nor there."""


class _State(Enum):
    WAITING = auto()  # under its partial name
    NAMED = auto()
    LOST = auto()
    BLOCKED = auto()  # something that we don't know has its name


def what_stands(artifacts: Artifacts) -> Standing:
    """What has the names of an attempt's files when it begins: nothing, or the old
    archive. The readable manifest is in a place of our own. Raises Trouble."""
    found = {}
    for artifact in (artifacts.archive, artifacts.sealed_manifest, artifacts.key):
        with writing(artifact.final):
            found[str(artifact.final)] = _look(artifact.final)
    return found


def describe(file: Artifact, sha256: str, standing: Standing) -> dict[str, Any]:
    """What is to be noted down of a partial file. Raises Trouble."""
    with writing(file.partial):
        found = file.partial.stat()
    noted = {
        "partial": str(file.partial),
        "final": str(file.final),
        "bytes": found.st_size,
        "inode": found.st_ino,
        "mtime_ns": found.st_mtime_ns,
        "sha256": sha256,
    }
    if noted["final"] in standing:
        noted["standing"] = standing[str(file.final)]
    return noted


def name_files(job: ArchiveJob, journal: dict[str, Any]) -> None:
    """Raises, before any file has its name: Gone, Trouble (DESTINATION_OCCUPIED for
    a file that came while the archive was made). Also Trouble for a disk."""
    found = [(file, _state_of(file)) for file in journal["files"]]
    if not has_named_archive(journal):
        _check_all(job, journal, found)
    for file, state in found:
        partial, final = Path(file["partial"]), Path(file["final"])
        with writing(final):
            if state is _State.WAITING:
                is_new = file.get("standing", "ours") is None
                _give_name(partial, final, is_new=is_new)
            elif state is _State.LOST and file["final"] == journal["key_file"]:
                write_atomic(final, base64.b64decode(journal["values"]["wrapped_key"]))
            elif state is not _State.NAMED:
                # Its archive has replaced the old one: no way back. A verification
                # tells of what is missing beside it.
                log.warning("%s is not as it was made", final)
    for file in journal["files"]:
        final = Path(file["final"])
        with writing(final):
            fsync_directory(final.parent)


def has_named_archive(journal: dict[str, Any]) -> bool:
    """Whether the new archive has its name: the last one to get it. Raises Trouble."""
    return _state_of(journal["files"][-1]) is _State.NAMED


def take_back_files(journal: dict[str, Any], *, named_too: bool) -> None:
    """Remove what was made; a disk that is gone keeps it for now."""
    for file in journal["files"]:
        final = Path(file["final"])
        with suppress(OSError):
            Path(file["partial"]).unlink(missing_ok=True)
        with suppress(OSError):
            if named_too and _is_named(final, file):
                final.unlink()


def _check_all(
    job: ArchiveJob, journal: dict[str, Any], found: list[tuple[dict[str, Any], _State]]
) -> None:
    for file, state in found:
        partial, final = Path(file["partial"]), Path(file["final"])
        if state is _State.BLOCKED:
            raise _occupied(final)
        # The key is in the note itself.
        if state is _State.LOST and file["final"] != journal["key_file"]:
            missing = missing_disk(Path(job.destination))
            if missing and not _is_mounted(job, found):
                # It may only be away, and comes back with its disk.
                raise missing
            raise Gone(f"neither {partial.name} nor {final.name} is there")


def _is_mounted(job: ArchiveJob, found: list[tuple[dict[str, Any], _State]]) -> bool:
    """Whether one of the files is seen at the destination."""
    return any(
        state in (_State.WAITING, _State.NAMED)
        and Path(file["final"]).parent == Path(job.destination)
        for file, state in found
    )


def _state_of(file: dict[str, Any]) -> _State:
    """Raises Trouble if the place is gone."""
    partial, final = Path(file["partial"]), Path(file["final"])
    with writing(final):
        try:
            is_waiting = partial.stat().st_size == file["bytes"]
        except FileNotFoundError:
            is_waiting = False
        if is_waiting and _is_same(partial, final):
            return _State.WAITING
        if not is_waiting and _is_named(final, file):
            return _State.NAMED
        if "standing" in file:
            before = file["standing"]
            if (now := _look(final)) not in (None, before and tuple(before)):
                log.warning("%s was %s, is %s", final, before, now)
                return _State.BLOCKED
    return _State.WAITING if is_waiting else _State.LOST


def _give_name(partial: Path, final: Path, *, is_new: bool) -> None:
    """Raises OSError, and Trouble if the name is new and somebody has it."""
    if not is_new:
        partial.replace(final)
        return
    try:
        # Unlike a rename this replaces nothing.
        os.link(partial, final)
    except FileExistsError as error:
        if not _is_same(partial, final):
            raise _occupied(final) from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(final):
            raise _occupied(final) from error
        partial.replace(final)
        return
    partial.unlink()


def _is_same(partial: Path, final: Path) -> bool:
    """Whether both are names of one file: a worker was killed between two steps."""
    try:
        return os.path.samestat(partial.lstat(), final.lstat())
    except FileNotFoundError:
        return False


def _is_named(final: Path, file: dict[str, Any]) -> bool:
    """Whether the file has its name already. Raises OSError if the place is gone."""
    try:
        found = final.stat()
    except FileNotFoundError:
        final.parent.stat()
        return False
    if found.st_size != file["bytes"]:
        return False
    # A number alone is given to another file once the first one is gone.
    if (found.st_ino, found.st_mtime_ns) == (file["inode"], file["mtime_ns"]):
        return True
    # A network file system may number its files anew.
    with final.open("rb") as content:
        return bool(
            hashlib.file_digest(content, "sha256").hexdigest() == file["sha256"]
        )


def _look(final: Path) -> tuple[int, int] | None:
    """Raises OSError."""
    try:
        found = final.lstat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _occupied(final: Path) -> Trouble:
    return Trouble(
        Code.DESTINATION_OCCUPIED,
        f"{final} came or changed while the archive was made, and SeqHub has not "
        "made it",
        "Move it away, then retry, or seal anew.",
    )
