"""One look at the top level of a run folder, and how to tell that it is the same.

A signature is text: the directory's mtime (ns), inode and device on the first
line, the names of its directories on the second, then one watched file a line:
size, mtime (ns), ctime (ns), inode, a tab, its name. As long as the directory's
mtime is the same its names are, so an unchanged folder costs one stat of the
directory and one of each watched file. What can't be reached by its name has a dash
for its numbers, which no stat matches.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from .facts import FileStat, Listing
from .files import storable

# A run folder has less than a hundred entries; what has many more is no run folder,
# or holds somebody's results too. Names cost little: what matters may come last.
MAX_ENTRIES = 100_000
# Watched files, and directories: each costs a stat or a place in the row.
MAX_KEPT = 2_000
# File systems stamp changes with a clock that ticks up to every 2 s: what changed
# so shortly before the look may change again under the same stamp.
RACY_NS = 2_000_000_000
# A stamp further ahead than this comes from a wrong clock, not from a tick.
AHEAD_NS = 300_000_000_000
_RACY = " racy"  # the directory
_UNSURE = " unsure"  # a watched file
# The entry is there, but no regular file can be reached by its name.
_NOT_REACHED = {
    errno.ENOENT: "a link to nothing",
    errno.ENOTDIR: "a link to nothing",
    errno.ELOOP: "a loop of links",
    errno.EACCES: "out of reach",
    errno.EPERM: "out of reach",
}
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def list_folder(path: Path, watched: Callable[[str], bool]) -> tuple[Listing, str]:
    """The top level of a run folder and its signature.

    `watched` says for a lower-case name whether the file matters. Raises OSError
    if the directory, or a watched file in it, can't be looked at.
    """
    now_ns = time.time_ns()
    text_path = str(path)
    # Before the names: what changes while they are read makes the next look differ.
    of_directory = os.stat(text_path)  # noqa: PTH116 - a hot path
    newest_ns = 0
    files: dict[str, FileStat] = {}
    irregular: dict[str, str] = {}
    directories: set[str] = set()
    lines: list[str] = []
    names, truncated = _names(text_path, watched, directories)
    for name in names:
        found, kind = _stat(f"{text_path}/{name}")
        if found is not None:
            newest_ns = max(newest_ns, found.st_mtime_ns)
            lines.append(f"{_numbers(found)}\t{_quoted(name)}")
        elif kind:
            lines.append(f"-\t{_quoted(name)}")
        if kind:
            reason = f"{storable(name)} is no regular file ({kind})."
            irregular.setdefault(name.lower(), reason)
        if kind or found is None:
            continue
        # Of names that differ in case only the first in order counts.
        files.setdefault(
            name.lower(), FileStat(name, found.st_size, found.st_mtime, found.st_ino)
        )
    head = _identity(of_directory)
    if _is_racy(newest_ns, now_ns):
        head += _UNSURE
    elif _is_racy(of_directory.st_mtime_ns, now_ns):
        head += _RACY
    # Another spelling of the name may be a file.
    irregular = {name: why for name, why in irregular.items() if name not in files}
    listing = Listing(path, files, frozenset(directories), truncated, irregular)
    return listing, "\n".join([head, json.dumps(sorted(directories)), *lines])


def is_unchanged(path: str, signature: str) -> bool:
    """Whether the folder still has this signature; False if it can't be looked at.

    A signature that was taken too soon after a change never matches.
    """
    head, *content = signature.split("\n")
    stat_of = os.stat
    try:
        if _identity(stat_of(path)) != head:
            return False
        for line in content[1:]:
            numbers, _, name = line.partition("\t")
            if name[0] == '"':
                name = json.loads(name)
            if _numbers(stat_of(f"{path}/{name}")) != numbers:
                return False
    except OSError:
        return False
    return True


def has_same_content(before: str, now: str) -> bool:
    """Whether nothing that matters differs from an earlier look.

    Never if a file had changed so shortly before that one that it may have
    changed again under the same stamp.
    """
    head, _, content = before.partition("\n")
    return bool(head) and not head.endswith(_UNSURE) and _content(now) == content


def shows_other_content(signature: str, other: str) -> bool:
    """Whether names or stats differ, however sure the signatures are."""
    return _content(signature) != _content(other)


def is_same_folder(signature: str, other: str) -> bool:
    """Whether both are of one directory with one content, wherever it lay: moved
    within its file system, not copied."""
    return (
        bool(signature and other)
        and inode_of(signature) == inode_of(other)
        and device_of(signature) == device_of(other)
        and _content(signature) == _content(other)
    )


def mark_unsure(signature: str) -> str:
    """The signature, made to match nothing: the next look reads all anew."""
    if not signature:
        return ""
    head, newline, content = signature.partition("\n")
    return head.removesuffix(_RACY).removesuffix(_UNSURE) + _UNSURE + newline + content


def inode_of(signature: str) -> int | None:
    """The inode of the directory; None in an empty signature."""
    return int(signature.split(" ", 2)[1]) if signature else None


def device_of(signature: str) -> int | None:
    """The device of the directory; None in an empty signature."""
    return int(signature.partition("\n")[0].split(" ")[2]) if signature else None


def with_device(signature: str, device: int) -> str:
    """The signature as it would be if the directory were on `device`."""
    head, newline, content = signature.partition("\n")
    mtime, inode, _, *marks = head.split(" ")
    return " ".join([mtime, inode, str(device), *marks]) + newline + content


def _content(signature: str) -> str:
    return signature.partition("\n")[2]


def _is_racy(stamp_ns: int, now_ns: int) -> bool:
    return -RACY_NS <= stamp_ns - now_ns <= AHEAD_NS


def _identity(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns} {found.st_ino} {found.st_dev}"


def _numbers(found: os.stat_result) -> str:
    # The ctime tells of a file that was written in place and got its mtime back.
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _quoted(name: str) -> str:
    """A name on one line, fit for the database."""
    return name if name.isprintable() and name[0] != '"' else json.dumps(name)


def _names(
    path: str, watched: Callable[[str], bool], directories: set[str]
) -> tuple[list[str], bool]:
    """Watched names in order; fills `directories`; whether there are too many."""
    names: list[str] = []
    below: list[str] = []
    truncated = False
    with os.scandir(path) as found:
        for count, entry in enumerate(found):
            if count >= MAX_ENTRIES:
                truncated = True
                break
            is_watched = watched(entry.name.lower())
            # Names of copying tools' temporary directories come and go.
            if not is_watched and (
                entry.name.startswith((".", "~")) or not _is_directory(entry)
            ):
                continue
            kept = names if is_watched else below
            if len(kept) < MAX_KEPT:
                kept.append(entry.name)
            else:
                truncated = True
    directories.update(below)
    return sorted(names), truncated


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _stat(path: str) -> tuple[os.stat_result | None, str]:
    """The stat, links followed, and what it is if it is no regular file.

    (None, kind) for what can't be reached, (None, "") for what has just gone.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - a hot path
    except OSError as error:
        if error.errno not in _NOT_REACHED:
            raise
        is_gone = error.errno == errno.ENOENT and not Path(path).is_symlink()
        return None, "" if is_gone else _NOT_REACHED[error.errno]
    if stat.S_ISREG(found.st_mode):
        return found, ""
    return found, _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
