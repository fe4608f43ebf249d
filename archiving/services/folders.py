"""Directories that restores make: known again later, and removed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

_ATTRIBUTE = "user.seqhub.restore"
_NO_ATTRIBUTES = (errno.ENOTSUP, errno.EPERM, errno.EACCES)


def mark_folder(folder: Path, mark: str) -> None:
    """Note in a directory who made it, where its file system keeps such notes. It is
    changed later than all that it holds. Raises OSError."""
    mode = stat.S_IMODE(folder.lstat().st_mode)
    folder.chmod(mode | stat.S_IRWXU)
    try:
        os.setxattr(folder, _ATTRIBUTE, mark.encode(), follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTES:
            raise
    folder.chmod(mode)


def identity_of(path: Path) -> str:
    """`inode:mark` of a directory; empty if there is none.

    An inode's number comes back once its directory is gone, so that it alone says
    little; a device's may be another after a reboot.
    """
    try:
        status = path.lstat()
    except OSError:
        return ""
    if not stat.S_ISDIR(status.st_mode):
        return ""
    mark = b""
    with suppress(OSError):
        mark = os.getxattr(path, _ATTRIBUTE, follow_symlinks=False)
    return f"{status.st_ino}:{mark.decode('ascii', 'replace')}"


def is_private(path: Path) -> bool:
    """Whether it is a directory of ours, no link to one, which is closed to all
    others."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    )


def count_later(folder: Path, moment_ns: int) -> int:
    """Files, links and their like below it that came or were changed after that
    moment, by their status change time, which nobody can set. Raises OSError."""
    count = 0
    for where, directories, files in os.walk(os.fsencode(folder), onerror=_fail):
        for name in (*directories, *files):
            with suppress(FileNotFoundError):
                status = os.lstat(os.path.join(where, name))
                is_directory = stat.S_ISDIR(status.st_mode)
                count += not is_directory and status.st_ctime_ns > moment_ns
    return count


def remove_known(directory: Path, identity: str) -> bool:
    """Remove it if it is the one of that identity; whether it was. Raises OSError."""
    if not identity or identity_of(directory) != identity:
        return False
    remove_tree(directory)
    return True


def remove_tree(directory: Path) -> None:
    """Remove a directory, also what may not be written in it; none is no error, and
    a link is left alone.

    Raises OSError.
    """
    if not directory.is_dir() or directory.is_symlink():
        return
    for where, _, _ in os.walk(directory):
        # Gone: somebody else removes it, too.
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(os.lstat(where).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(where, mode | stat.S_IRWXU)  # noqa: PTH101 - text in a walk
    with suppress(FileNotFoundError):
        shutil.rmtree(directory)


def _fail(error: OSError) -> None:
    raise error
