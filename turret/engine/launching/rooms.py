"""The directories in which launches work: how much they hold, and their removal.

Tasks of pipelines write there: no link is followed, and no name is taken for what it
was a moment ago.
"""

from __future__ import annotations

import errno
import json
import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqhub.lib.files import write_atomic
from seqhub.lib.sizes import look_into
from turret.engine.below import open_directory

# What is being removed has it at the end of its name.
ASIDE = ".removing"


@dataclass(frozen=True, slots=True)
class Room:
    """A directory that may be removed: `names` lead to it from `root`, which is a
    directory of the configuration."""

    root: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return os.path.join(self.root, *self.names)


class NotRemoved(Exception):
    """Some of a directory is left; the message says what, and why."""


@dataclass(slots=True)
class Walk:
    """A measurement, and how far it has come."""

    pending: list[str]
    size_bytes: int = 0
    counted: set[tuple[int, int]] = field(default_factory=set)

    def go_on(self, is_over: Callable[[], bool]) -> bool:
        """Measure on until `is_over`; whether all is measured.

        What may not be read counts nothing.
        """
        while self.pending:
            if is_over():
                return False
            below: list[str] = []
            with suppress(OSError):
                size, below = look_into(self.pending[-1], self.counted)
                self.size_bytes += size
            self.pending[-1:] = below
        return True

    def keep(self, file: Path, stamp: str) -> None:
        """For `kept_walk`. Raises OSError."""
        values = [stamp, self.pending, self.size_bytes, sorted(self.counted)]
        write_atomic(file, json.dumps(values).encode())


def kept_walk(file: Path, stamp: str) -> Walk | None:
    """One that goes on where it was; None if there is none of that stamp."""
    try:
        kept, pending, size_bytes, counted = json.loads(file.read_bytes())
        walk = Walk(pending, size_bytes, {(dev, inode) for dev, inode in counted})
    except (OSError, ValueError, TypeError):
        return None
    return walk if kept == stamp else None


def is_link(room: Room) -> bool:
    """Whether somebody has put a link in its place. Raises OSError."""
    try:
        return stat.S_ISLNK(os.lstat(str(room)).st_mode)
    except FileNotFoundError:
        return False


def is_same(room: Room, directory: str) -> bool:
    """Whether both are one, under whatever names: links, bind mounts. Raises
    OSError."""
    try:
        return Path(str(room)).samefile(directory)
    except FileNotFoundError:
        return False


def lies_in(directory: str, place: Room | str) -> bool:
    """Whether it is that, or below it, by their real names."""
    return Path(os.path.realpath(directory)).is_relative_to(
        os.path.realpath(str(place))
    )


def check_disk(root: str) -> None:
    """Raises OSError where a disk may be away: what launches have made was in `root`,
    and now nothing is."""
    with os.scandir(root) as entries:
        if not any(entries):
            raise FileNotFoundError(f"{root} is empty; it may not be mounted")


def leads_into(directory: str, target: str, is_over: Callable[[], bool]) -> bool:
    """Whether a link below `directory` leads to something below `target`. Raises
    OSError, TimeoutError when `is_over`."""
    real_target = os.path.realpath(target) + "/"

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for where, directories, files in os.walk(directory, onerror=fail):
        for name in (*directories, *files):
            path = os.path.join(where, name)
            is_there = os.path.islink(path)  # noqa: PTH114 - paths are text in a walk
            if is_there and os.path.realpath(path).startswith(real_target):
                return True
        if is_over():
            raise TimeoutError(f"{directory} holds too much to be looked through")
    return False


def set_aside(room: Room) -> bool:
    """Take away its name, so that nobody finds half of it; False if there is no such
    directory. Raises OSError, also when earlier ones were not removed yet."""
    name = room.names[-1]
    try:
        place = _open_place(room)
    except FileNotFoundError:
        return False
    try:
        if not _is_directory(name, place):
            return False
        os.rename(name, name + ASIDE, src_dir_fd=place, dst_dir_fd=place)
    except FileNotFoundError:
        return False
    finally:
        os.close(place)
    return True


def remove_aside(room: Room, is_over: Callable[[], bool]) -> bool:
    """Remove what was set aside, until `is_over`; whether all of it is gone. May be
    repeated, by several at once. Raises OSError, NotRemoved."""
    name = room.names[-1] + ASIDE
    try:
        place = _open_place(room)
    except FileNotFoundError:
        return True
    try:
        if not _is_directory(name, place):
            return True
        left = _Left(f"{room}{ASIDE}")
        if not _empty(place, name, left, is_over):
            return False
        left.complain()
        os.rmdir(name, dir_fd=place)
    except FileNotFoundError:
        return True
    except RecursionError:
        raise NotRemoved(f"{room}{ASIDE} is too deep.") from None
    finally:
        os.close(place)
    return True


def _open_place(room: Room) -> int:
    return open_directory(os.path.realpath(room.root), room.names[:-1])


def _is_directory(name: str, place: int) -> bool:
    found = os.stat(name, dir_fd=place, follow_symlinks=False)
    return stat.S_ISDIR(found.st_mode)


class _Left:
    """What can't be removed."""

    def __init__(self, directory: str) -> None:
        self._above = Path(directory).parent
        self._unread: dict[str, str] = {}
        self._count = 0
        self._first = ""

    def note_unread(self, error: OSError) -> None:
        """A directory that can't be looked into; it may go all the same."""
        self._unread[str(error.filename)] = f"{error.strerror}"

    def note(self, where: str, name: str, error: OSError, owner: int) -> None:
        why = f"{error.strerror}"
        if error.errno == errno.ENOTEMPTY:
            # Because of something in it, which was told, or not seen.
            if name not in self._unread:
                return
            why = self._unread[name]
        self._count += 1
        if not self._first:
            whose = f"in a directory of {_name_of(owner)}"
            self._first = f"{self._above / where / name} ({why}, {whose})"

    def complain(self) -> None:
        """Raises NotRemoved if there is any."""
        if self._count:
            more = f", and {self._count - 1:,} more" if self._count > 1 else ""
            raise NotRemoved(f"It can't remove {self._first}{more}.")


def _empty(place: int, name: str, left: _Left, is_over: Callable[[], bool]) -> bool:
    """Remove what is in a directory; False when it `is_over` before. Raises NotRemoved
    where all of the time has gone into what can't be."""
    mount, has_removed = _mount_of(place), False
    walk = os.fwalk(name, topdown=False, onerror=left.note_unread, dir_fd=place)
    for where, directories, files, here in walk:
        if _mount_of(here) != mount:
            continue  # somebody has mounted it there; that is told with its name
        owner = _open_up(here)
        for entry in (*directories, *files):
            if is_over():
                if not has_removed:
                    left.complain()
                return False
            try:
                _remove_entry(entry, here)
                has_removed = True
            except FileNotFoundError:
                continue  # another removes it, too
            except OSError as error:
                left.note(where, entry, error, owner)
    return True


def _mount_of(descriptor: int) -> str:
    """Of which mount a directory is (Linux). A bind mount may be of the same disk."""
    told = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    return next(line for line in told.splitlines() if line.startswith("mnt_id:"))


def _remove_entry(name: str, here: int) -> None:
    if _is_directory(name, here):
        os.rmdir(name, dir_fd=here)
    else:
        os.unlink(name, dir_fd=here)


def _open_up(here: int) -> int:
    """Make a directory writable, as caches of programs often are not; whose it is."""
    found = os.fstat(here)
    if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        with suppress(PermissionError):
            os.fchmod(here, stat.S_IMODE(found.st_mode) | stat.S_IRWXU)
    return found.st_uid


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
