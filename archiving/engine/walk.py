"""A run folder as tar will read it: the same members in the same order."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from archiving.engine.exclusion import Exclusions

_ENTRIES_PER_TICK = 1000


class Reason(StrEnum):
    """Why tar passes something over. Written into manifests."""

    EXCLUDED = "excluded"
    SOCKET = "socket"


class LeftOut(NamedTuple):
    """Something that is not in the archive, with all that is below it.

    `files` and `size_bytes` count regular files; what can't be listed below an
    excluded directory counts nothing, as tar does not look there either.
    """

    name: bytes  # as the member would be called
    reason: Reason
    files: int = 0
    size_bytes: int = 0


class Entry(NamedTuple):
    """`status` is lstat's; what is left out comes as its topmost entry only."""

    name: bytes  # of the member, `RUN/Data/x`
    status: os.stat_result
    left_out: LeftOut | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """`files` and `size_bytes` as the manifest's end will count them: a second
    name of a file is a link and has no size. `left_out` counts topmost entries;
    the fingerprint is that of all others."""

    entries: int
    files: int
    size_bytes: int
    left_out: int
    left_out_files: int
    left_out_bytes: int
    fingerprint: str = ""


class Fingerprint:
    """Of a folder as a walk finds it: another walk finds the same one only if nothing
    was written, touched or exchanged in between.

    Times count in nanoseconds, and that of the inode (ctime) too, which no program
    can set: tar keeps whole seconds, in which a file of an equal size may be written
    twice.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, name: bytes, status: os.stat_result) -> None:
        self._digest.update(
            b"%b\0%d %d %d %d\n"
            % (
                name,
                status.st_ino,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
            )
        )

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def walk(source: Path, exclusions: Exclusions) -> Iterator[Entry]:
    """The folder itself and what is below it, in the order of `tar --sort=name`:
    each directory before what it holds, names in it by their bytes.

    Follows no link. Raises OSError for what can't be listed or is suddenly gone.
    """
    root = os.fsencode(source.parent) + b"/"
    levels = [(b"", iter([os.fsencode(source.name)]))]
    while levels:
        above, names = levels[-1]
        for base in names:
            name = above + base
            path = root + name
            if exclusions.excludes(name):
                excluded = _excluded(name, path)
                if excluded is not None:
                    yield excluded
                continue
            status = os.lstat(path)
            if stat.S_ISSOCK(status.st_mode):
                yield Entry(name, status, LeftOut(name, Reason.SOCKET))
                continue
            yield Entry(name, status)
            if stat.S_ISDIR(status.st_mode):
                below = os.listdir(path)  # noqa: PTH208 - paths are bytes
                below.sort()
                levels.append((name + b"/", iter(below)))
                break
        else:
            levels.pop()


def survey(
    source: Path,
    exclusions: Exclusions,
    on_left_out: Callable[[LeftOut], None],
    tick: Callable[[int, int], None] | None = None,
) -> Survey:
    """What a seal of the folder will hold.

    `tick` hears now and then how many entries and bytes were counted so far.
    Raises OSError as `walk` does.
    """
    entries = files = size_bytes = passed_over = left_out_files = left_out_bytes = 0
    linked: set[tuple[int, int]] = set()
    fingerprint = Fingerprint()
    for name, status, left_out in walk(source, exclusions):
        if left_out is not None:
            on_left_out(left_out)
            passed_over += 1
            left_out_files += left_out.files
            left_out_bytes += left_out.size_bytes
            continue
        entries += 1
        fingerprint.add(name, status)
        if tick is not None and entries % _ENTRIES_PER_TICK == 0:
            tick(entries, size_bytes)
        if not stat.S_ISREG(status.st_mode):
            continue
        if status.st_nlink > 1:
            inode = (status.st_dev, status.st_ino)
            if inode in linked:
                continue
            linked.add(inode)
        files += 1
        size_bytes += status.st_size
    return Survey(
        entries,
        files,
        size_bytes,
        passed_over,
        left_out_files,
        left_out_bytes,
        fingerprint.hexdigest(),
    )


def position(name: bytes) -> bytes:
    """What a walk's names are sorted by: their parts, not the whole texts (`a/b`
    comes before `a.b`). No byte of a name is smaller than the zero that stands for
    `/`."""
    return name.replace(b"/", b"\0")


def _excluded(name: bytes, path: bytes) -> Entry | None:
    """None if it is gone: tar does not look at it either."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    files = size_bytes = 0
    if stat.S_ISREG(status.st_mode):
        files, size_bytes = 1, status.st_size
    elif stat.S_ISDIR(status.st_mode):
        files, size_bytes = _count_below(path)
    return Entry(name, status, LeftOut(name, Reason.EXCLUDED, files, size_bytes))


def _count_below(top: bytes) -> tuple[int, int]:
    """Regular files below a directory, and their bytes."""
    files = size_bytes = 0
    for directory, _, names in os.walk(top):
        for name in names:
            try:
                status = os.lstat(os.path.join(directory, name))
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                files += 1
                size_bytes += status.st_size
    return files, size_bytes
