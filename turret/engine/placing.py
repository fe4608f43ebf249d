"""Directories and files that people put below the roots of turret.engine.browsing.

A file appears whole or not at all. All of it may hang with the disk.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol

from turret.engine.browsing import Full, Roots, Unfit, opened, told

LONGEST_NAME_BYTES = 255
_CHUNK_BYTES = 1 << 20
_MOST_NUMBERS = 1_000
# Some file systems know one name a file only.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_name(name: str) -> bool:
    """May a file be called so here?"""
    return (
        bool(name.strip())
        and name.isprintable()
        and "/" not in name
        and not name.startswith(".")
        and len(name.encode(errors="replace")) <= LONGEST_NAME_BYTES
    )


def make_directory(roots: Roots, path: str) -> str:
    """Its path. Raises Refused, Taken when something is there."""
    parent, name = _split(path)
    place = roots.find(parent)
    with opened(place) as directory, told(path):
        os.mkdir(name, dir_fd=directory)
    return str(Path(place.path, name))


def write_text(roots: Roots, path: str, text: str) -> str:
    """A whole file, in place of what is there; its path. Raises Refused."""
    parent, name = _split(path)
    place = roots.find(parent)
    with opened(place) as directory, told(path):
        _require_replaceable(directory, name, path)
        with _partial(directory) as (file, partial):
            file.write(text.encode())
            _finish(file)
            os.rename(partial, name, src_dir_fd=directory, dst_dir_fd=directory)
    return str(Path(place.path, name))


def save(
    roots: Roots, directory: str, name: str, source: Readable, limit_bytes: int
) -> tuple[str, int]:
    """A copy of `source`, by that name or, where that is taken, a numbered one; its
    path and size. It appears whole or not at all. Raises Refused."""
    if not is_name(name):
        raise Unfit(f"{name!a} is no name for a file.")
    place = roots.find(directory)
    path = f"{place.path}/{name}"
    with (
        opened(place) as descriptor,
        told(path),
        _partial(descriptor) as (file, partial),
    ):
        size = 0
        while data := source.read(_CHUNK_BYTES):
            size += len(data)
            if size > limit_bytes:
                raise Full(f"{name} is larger than {limit_bytes:,} bytes.")
            file.write(data)
        _finish(file)
        final = _give_name(descriptor, partial, name)
    return f"{place.path}/{final}", size


def _split(path: str) -> tuple[str, str]:
    """Directory and name. Raises Unfit."""
    parent, _, name = path.rstrip("/").rpartition("/")
    if not is_name(name):
        raise Unfit(f"{path!a} ends in no name for a file or a directory.")
    return parent or "/", name


@contextmanager
def _partial(directory: int) -> Iterator[tuple[BinaryIO, str]]:
    """A new file under a hidden name, gone afterwards unless it was renamed."""
    name = f".{secrets.token_hex(8)}.partial"
    descriptor = os.open(name, _NEW, 0o666, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, name
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=directory)


def _finish(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _give_name(directory: int, partial: str, name: str) -> str:
    """This one or the first numbered one that is free. Raises FileExistsError."""
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    for number in range(_MOST_NUMBERS):
        tried = f"{stem}_{number}{suffix}" if number else name
        with suppress(FileExistsError):
            _rename_new(directory, partial, tried)
            return tried
    raise FileExistsError(errno.EEXIST, "all numbers are taken")


def _rename_new(directory: int, old: str, new: str) -> None:
    """Raises FileExistsError."""
    try:
        # Unlike a rename this replaces nothing.
        os.link(
            old,
            new,
            src_dir_fd=directory,
            dst_dir_fd=directory,
            follow_symlinks=False,
        )
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(new, _NEW, 0o666, dir_fd=directory))
        os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)


def _require_replaceable(directory: int, name: str, path: str) -> None:
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise Unfit(f"{path} is not a regular file.")
