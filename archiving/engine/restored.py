"""Is what was restored as the manifest says?"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from archiving.engine.digests import digest_file
from archiving.engine.findings import Fault, Finding
from archiving.engine.members import Kind, Member, shown

_FORMATS = {
    Kind.FILE: stat.S_IFREG,
    Kind.DIRECTORY: stat.S_IFDIR,
    Kind.SYMLINK: stat.S_IFLNK,
    Kind.FIFO: stat.S_IFIFO,
    Kind.CHARACTER_DEVICE: stat.S_IFCHR,
    Kind.BLOCK_DEVICE: stat.S_IFBLK,
}
_NOT_THERE = "is not there"
Tick = Callable[[int, int], None]


def compare_restored(
    into: Path, members: Iterator[Member], tick: Tick
) -> Iterator[Finding]:
    """How files below `into` differ from `members`: type, size, content, target of a
    link, permissions, and time in whole seconds.

    `tick` hears of bytes and files compared. Raises OSError.
    """
    look = _Look(into, tick)
    for member in members:
        if words := look.differences(member):
            name = shown(member.name)
            fault = Fault.MEMBER_DIFFERS
            if words == _NOT_THERE:
                fault = Fault.MEMBER_MISSING
            yield Finding(fault, f"{name} {words}", name)


def remove_different(into: Path, members: Iterator[Member], tick: Tick) -> None:
    """Remove what an interrupted restore left half written. Raises OSError."""
    look = _Look(into, tick)
    for member in members:
        if member.kind is Kind.DIRECTORY or not look.differences(member):
            continue
        path = look.path_of(member)
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.lstat(path).st_mode):
                shutil.rmtree(path)
            else:
                os.unlink(path)  # noqa: PTH108 - names are bytes


def set_directories(into: Path, directories: Iterator[Member]) -> int:
    """Give directories their permissions and times, where tar has not: it leaves
    those alone that were there before; how many are there. Raises OSError."""
    count = 0
    for member in directories:
        path = os.path.join(os.fsencode(into), member.name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue  # which compare_restored tells
        count += 1
        if stat.S_IMODE(status.st_mode) != member.mode:
            os.chmod(path, member.mode)  # noqa: PTH101 - names are bytes
        if status.st_mtime_ns // 10**9 != member.mtime:
            os.utime(path, (member.mtime, member.mtime))
    return count


def count_entries(directory: Path) -> int:
    """Files, directories and all else below it; no link is followed."""
    walk = os.walk(os.fsencode(directory))
    return sum(len(directories) + len(files) for _, directories, files in walk)


class _Look:
    def __init__(self, into: Path, tick: Tick) -> None:
        self._into = os.fsencode(into)
        self._tick = tick
        self._bytes = 0
        self._files = 0

    def path_of(self, member: Member) -> bytes:
        return os.path.join(self._into, member.name)

    def differences(self, member: Member) -> str:
        """In words; empty when it is as it should be."""
        path = self.path_of(member)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return _NOT_THERE
        # Another name is of whatever type the first one is.
        form = stat.S_IFMT(status.st_mode)
        if form != _FORMATS.get(member.kind, form):
            return "is of another type than was sealed"
        if member.target:
            return "" if self._is_link(path, status, member) else "points elsewhere"
        if member.kind is Kind.FILE:
            self._files += 1
            if status.st_size != member.size:
                return f"has {status.st_size:,} bytes, had {member.size:,}"
            if self._digest(path) != member.sha256:
                return "has another content than was sealed"
        if stat.S_IMODE(status.st_mode) != member.mode:
            return "has other permissions than it had"
        # Seconds, rounded down: tar keeps no fractions.
        if status.st_mtime_ns // 10**9 != member.mtime:
            return "has another time than it had"
        return ""

    def _is_link(self, path: bytes, status: os.stat_result, member: Member) -> bool:
        """Whether it points to where it did; other names of a file are links, too."""
        if member.kind is Kind.SYMLINK:
            return os.readlink(path) == member.target  # noqa: PTH115 - bytes
        other = os.path.join(self._into, member.target)
        return os.path.lexists(other) and os.path.samestat(status, os.lstat(other))

    def _digest(self, path: bytes) -> str:
        def told(count: int) -> None:
            self._bytes += count
            self._tick(self._bytes, self._files)

        return digest_file(path, told)
