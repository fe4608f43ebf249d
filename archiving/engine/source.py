"""Is a run folder still what was sealed?"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from archiving.engine.digests import PIECE_BYTES, digest_file
from archiving.engine.exclusion import Exclusions
from archiving.engine.findings import Fault, Finding
from archiving.engine.members import Kind, Member, shown
from archiving.engine.walk import Entry, Fingerprint, position, walk

_ENTRIES_PER_TICK = 1000
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFCHR: Kind.CHARACTER_DEVICE,
    stat.S_IFBLK: Kind.BLOCK_DEVICE,
}
_WORDS = {
    Kind.FILE: "a file",
    Kind.DIRECTORY: "a directory",
    Kind.SYMLINK: "a symbolic link",
    Kind.HARD_LINK: "another name of a file",
    Kind.FIFO: "a pipe",
    Kind.CHARACTER_DEVICE: "a character device",
    Kind.BLOCK_DEVICE: "a block device",
}
Tick = Callable[[int, int], None]


def compare_source(
    source: Path,
    members: Iterator[Member],
    exclusions: Exclusions,
    *,
    deep: bool,
    tick: Tick | None = None,
    fingerprint: Fingerprint | None = None,
) -> Iterator[Finding]:
    """What of the folder is not as in the manifest: type, permissions, size, mtime
    in whole seconds, target of a link; with `deep` also the content.

    `members` and `exclusions` are the manifest's, and `source` has the name that it
    had. `tick` hears now and then how many entries were compared and bytes read;
    `fingerprint` gets what is there now.
    Raises OSError for what can't be read or goes while we look.
    """
    if not os.path.lexists(source):
        name = shown(os.fsencode(source.name))
        message = f"{shown(os.fsencode(source))} is not there any more"
        yield Finding(Fault.SOURCE_MISSING, message, name)
        return
    compare = _Comparison(source, deep, tick).compare
    entries = _entries(source, exclusions, fingerprint)
    entry, member = next(entries, None), next(members, None)
    while entry is not None or member is not None:
        if entry is not None and member is not None and entry.name == member.name:
            yield from compare(entry, member)
            entry, member = next(entries, None), next(members, None)
        elif member is None or (
            entry is not None and position(entry.name) < position(member.name)
        ):
            assert entry is not None  # noqa: S101 - for mypy
            yield _finding(Fault.SOURCE_EXTRA, entry.name, "was not sealed")
            entry = next(entries, None)
        else:
            yield _finding(Fault.SOURCE_MISSING, member.name, "is not there any more")
            member = next(members, None)


def _entries(
    source: Path, exclusions: Exclusions, fingerprint: Fingerprint | None
) -> Iterator[Entry]:
    """What tar would write."""
    for entry in walk(source, exclusions):
        if entry.left_out is None:
            if fingerprint is not None:
                fingerprint.add(entry.name, entry.status)
            yield entry


class _Comparison:
    def __init__(self, source: Path, deep: bool, tick: Tick | None) -> None:
        self._parent = os.fsencode(source.parent)
        self._deep = deep
        self._tick = tick
        self._entries = 0
        self._read_bytes = 0
        # The names that the tar has for what has several.
        self._names: dict[tuple[int, int], bytes] = {}

    def compare(self, entry: Entry, member: Member) -> Iterator[Finding]:
        self._entries += 1
        if self._tick is not None and self._entries % _ENTRIES_PER_TICK == 0:
            self._tick(self._entries, self._read_bytes)
        differences = self._differences(entry.status, member)
        if differences:
            words = "; ".join(differences)
            yield _finding(Fault.SOURCE_CHANGED, member.name, words)

    def _differences(self, status: os.stat_result, member: Member) -> list[str]:
        name = member.name
        kind, target = self._as_archived(name, status)
        if kind is not member.kind:
            return [f"is {_WORDS[kind]}, was {_WORDS[member.kind]}"]
        found = []
        if target != member.target:
            found.append(
                f"points to {shown(target)}, pointed to {shown(member.target)}"
            )
        mode, mtime = stat.S_IMODE(status.st_mode), status.st_mtime_ns // 10**9
        if mode != member.mode:
            found.append(f"permissions are {mode:04o}, were {member.mode:04o}")
        if mtime != member.mtime:
            found.append(f"mtime is {_time(mtime)}, was {_time(member.mtime)}")
        if kind is not Kind.FILE:
            return found
        if status.st_size != member.size:
            found.append(f"has {status.st_size:,} bytes, had {member.size:,}")
        elif self._deep and self._digest(name) != member.sha256:
            found.append("has another content")
        return found

    def _as_archived(self, name: bytes, status: os.stat_result) -> tuple[Kind, bytes]:
        """What tar would write for it: its kind, and where it points to if a link."""
        kind = _KINDS[stat.S_IFMT(status.st_mode)]
        if status.st_nlink > 1 and kind in (Kind.FILE, Kind.SYMLINK):
            first = self._names.setdefault((status.st_dev, status.st_ino), name)
            if first != name:
                return Kind.HARD_LINK, first
        if kind is Kind.SYMLINK:
            path = os.path.join(self._parent, name)
            return kind, os.readlink(path)  # noqa: PTH115 - names are bytes
        return kind, b""

    def _digest(self, name: bytes) -> str:
        def told(count: int) -> None:
            self._read_bytes += count
            if self._tick is not None and count == PIECE_BYTES:
                self._tick(self._entries, self._read_bytes)

        return digest_file(os.path.join(self._parent, name), told)


def _finding(fault: Fault, name: bytes, words: str) -> Finding:
    return Finding(fault, f"{shown(name)} {words}", shown(name))


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"
