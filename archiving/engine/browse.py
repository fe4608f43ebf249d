"""Looking into a manifest without holding it: a directory, a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from archiving.engine.manifest import read_manifest
from archiving.engine.members import Kind, Member, shown


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory, and what is in the files below it, however deep."""

    member: Member
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a directory: its directories come before everything else in it."""

    directories: tuple[Directory, ...]
    others: tuple[Member, ...]
    total: int  # entries, on all pages


@dataclass(frozen=True, slots=True)
class Page:
    members: tuple[Member, ...]
    total: int  # of those that match


def list_directory(
    file: BinaryIO, directory: bytes, offset: int, limit: int
) -> Listing | None:
    """A page of what lies directly in `directory`; None if there is no such directory.

    `b""` holds the run folder alone. Raises ManifestDamaged; what stands behind the
    directory is not looked at.
    """
    children = _Children(offset + limit)
    is_there = not directory
    below = directory + b"/" if directory else b""
    start = len(below)
    for member in read_manifest(file)[1]:
        if member.name.startswith(below):
            children.add(member, is_direct=member.name.find(b"/", start) < 0)
        elif is_there:
            break
        elif member.name == directory:
            if member.kind is not Kind.DIRECTORY:
                return None
            is_there = True
    return children.page(offset, limit) if is_there else None


def search(file: BinaryIO, words: str, offset: int, limit: int) -> Page:
    """Members whose name, as people see it, holds `words`, in upper or lower case.

    Raises ManifestDamaged.
    """
    wanted = words.casefold()
    found = []
    total = 0
    for member in read_manifest(file)[1]:
        if wanted in shown(member.name).casefold():
            if offset <= total < offset + limit:
                found.append(member)
            total += 1
    return Page(tuple(found), total)


class _Children:
    """What is in a directory, as far as the page may reach."""

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self._directories: list[tuple[Member, list[int]]] = []
        self._others: list[Member] = []
        self._others_count = 0
        self._sums = [0, 0]  # of the directory that is being passed

    def add(self, member: Member, *, is_direct: bool) -> None:
        if is_direct and member.kind is Kind.DIRECTORY:
            self._sums = [0, 0]
            self._directories.append((member, self._sums))
        elif is_direct:
            # Directories come first, so that these only move further back.
            if len(self._directories) + self._others_count < self._reach:
                self._others.append(member)
            self._others_count += 1
        elif member.kind is Kind.FILE:
            self._sums[0] += 1
            self._sums[1] += member.size

    def page(self, offset: int, limit: int) -> Listing:
        directories = self._directories[offset : offset + limit]
        count = len(self._directories)
        start = max(offset - count, 0)
        stop = max(offset + limit - count, 0)
        return Listing(
            tuple(
                Directory(member, files, size_bytes)
                for member, (files, size_bytes) in directories
            ),
            tuple(self._others[start:stop]),
            count + self._others_count,
        )
