"""Directories and files below a few roots, looked at.

Whoever writes there is not to be trusted: each path is resolved first, and must lie
below a root then; after that no link is followed, so that nobody can exchange a
directory for one in between. Hidden names and what is neither a file nor a directory
are not there. All of it may hang with the disk.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from turret.engine.below import open_directory, open_file, way_to

# Of a directory.
MOST_ENTRIES = 2_000
# Names looked at for them: hidden ones, pipes and so on are left out.
MOST_NAMES = 20_000


class Refused(Exception):
    """The message says why, in a sentence that begins with the path."""


class Outside(Refused):
    """It does not lie below a root."""


class Missing(Refused):
    """Nothing is there, or nothing that is shown."""


class Taken(Refused):
    """Something is there."""


class Unfit(Refused):
    """It is another kind of thing, or no name for a file."""


class Full(Refused):
    """It is larger than it may be, or than the disk."""


class Unusable(Refused):
    """The system does not let us."""


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    path: str
    is_dir: bool
    size_bytes: int | None  # None: a directory
    modified_s: float | None  # since 1970; None: not known
    error: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Directories come first; `parent` is None at a root. When it is not whole there
    are more names, of which nothing is known."""

    path: str
    parent: str | None
    entries: list[Entry]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Names that lead from a root to something, without links."""

    root: Path
    real_root: str
    names: tuple[str, ...]

    @property
    def path(self) -> str:
        """As people spell the root."""
        return str(self.root.joinpath(*self.names))

    @property
    def parent(self) -> str | None:
        return str(self.root.joinpath(*self.names[:-1])) if self.names else None


class Roots:
    """What may be looked at; `never` are directories that may not, below a root or
    not."""

    def __init__(self, roots: Sequence[Path], never: Sequence[Path] = ()) -> None:
        self.roots = roots
        self._never = never

    @cached_property
    def _closed(self) -> list[Path]:
        # Not before somebody asks: the disk may hang.
        return [Path(os.path.realpath(path)) for path in self._never]

    def find(self, path: str) -> Place:
        """Raises Outside, Missing for what is hidden, Unfit."""
        if not path.startswith("/") or not _is_text(path):
            raise Unfit(f"{path!a} is no absolute path.")
        for root in self.roots:
            try:
                real_root, names = way_to(path, root)
            except (OSError, ValueError):
                continue
            if any(name.startswith(".") for name in names):
                raise Missing(f"{path} is hidden.")
            real = Path(real_root, *names)
            if not any(real.is_relative_to(closed) for closed in self._closed):
                return Place(root, real_root, names)
        raise Outside(f"{path} does not lie below a directory that may be browsed.")


def browse(roots: Roots, path: str) -> Listing:
    """What is in a directory, at most MOST_ENTRIES of it. Raises Refused."""
    place = roots.find(path)
    entries: list[Entry] = []
    is_whole = True
    with opened(place) as directory, os.scandir(directory) as found:
        for number, item in enumerate(found):
            if number >= MOST_NAMES or len(entries) >= MOST_ENTRIES:
                is_whole = False
                break
            if (entry := _entry(roots, place, item)) is not None:
                entries.append(entry)
    entries.sort(key=lambda entry: (not entry.is_dir, entry.name.casefold()))
    return Listing(place.path, place.parent, entries, is_whole)


def read_text(roots: Roots, path: str, limit_bytes: int) -> str:
    """Of a file that is no larger. Raises Refused."""
    place = roots.find(path)
    with told(path):
        descriptor = open_file(place.real_root, place.names)
    with os.fdopen(descriptor, "rb") as file, told(path):
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise Full(f"{path} is larger than {limit_bytes:,} bytes.")
    return data.decode("utf-8", "replace")


def _entry(roots: Roots, place: Place, item: os.DirEntry[str]) -> Entry | None:
    name = item.name
    if name.startswith("."):
        return None
    path = str(Path(place.path, name))
    if not _is_text(name):
        shown = name.encode(errors="replace").decode()
        why = "Its name is no text."
        return Entry(shown, f"{place.path}/{shown}", False, None, None, why)
    try:
        if item.is_symlink():
            found = _linked(roots, path)
        else:
            found = item.stat(follow_symlinks=False)
            if item.is_dir(follow_symlinks=False):
                roots.find(path)  # it may be one that is never browsed
    except Refused:
        return None
    except OSError as error:
        return Entry(name, path, False, None, None, f"{error.strerror}.")
    if stat.S_ISDIR(found.st_mode):
        return Entry(name, path, True, None, found.st_mtime)
    if stat.S_ISREG(found.st_mode):
        return Entry(name, path, False, found.st_size, found.st_mtime)
    return None


def _linked(roots: Roots, path: str) -> os.stat_result:
    """Of what a link leads to, if that may be seen."""
    place = roots.find(path)
    if not place.names:
        return Path(place.real_root).stat()
    directory = open_directory(place.real_root, place.names[:-1])
    try:
        return os.stat(place.names[-1], dir_fd=directory, follow_symlinks=False)
    finally:
        os.close(directory)


@contextmanager
def opened(place: Place) -> Iterator[int]:
    """A descriptor of the directory. Raises Refused."""
    try:
        descriptor = open_directory(place.real_root, place.names)
    except NotADirectoryError:
        raise Unfit(f"{place.path} is not a directory.") from None
    except OSError as error:
        raise _refused(place.path, error) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def told(path: str) -> Iterator[None]:
    """What the system says, as Refused."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error) from None


def _refused(path: str, error: OSError) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Missing(f"{path} is not there.")
    if isinstance(error, FileExistsError):
        return Taken(f"{path} is there already.")
    if error.errno in (errno.EINVAL, errno.ENOTDIR, errno.ELOOP, errno.EISDIR):
        return Unfit(f"{path} is something else.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Full(f"{path}: the disk is full.")
    return Unusable(f"{path}: {error.strerror}.")


def _is_text(text: str) -> bool:
    """Without NUL and what is no UTF-8."""
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:
        return False
