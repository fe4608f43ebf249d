"""The wrapped keys of the archives, on their way into a backup and back.

They are encrypted to their recipients already. The database holds them, too; the
files are what people look for when there is no database.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from seqhub.lib.files import PRIVATE, create_once

ENDING = ".key.gpg"
# A key that is wrapped to a hundred people is far below it.
KEY_LIMIT_BYTES = 1_000_000


@dataclass
class KeysRestored:
    """What became of the keys of a backup, by file name."""

    brought_back: list[str] = field(default_factory=list)
    # Files of that name that hold something else were left as they are.
    differing: list[str] = field(default_factory=list)


def pack_keys(directory: Path, target: Path) -> None:
    """Write the key files of a directory into a tar file. Raises OSError.

    A directory that is not there holds none.
    """
    with tarfile.open(target, "w") as archive:
        for path in _key_files(directory):
            # One may be replaced or go meanwhile.
            with suppress(FileNotFoundError), _open_regular(path) as file:
                entry = archive.gettarinfo(arcname=path.name, fileobj=file)
                entry.mode = PRIVATE
                archive.addfile(entry, file)


def unpack_keys(source: IO[bytes], directory: Path) -> KeysRestored:
    """Put the keys back, and replace no file. Raises OSError, tarfile.TarError."""
    result = KeysRestored()
    with tarfile.open(fileobj=source, mode="r:") as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.isreg() else None
            if file is None or not _is_key(entry.name) or "/" in entry.name:
                continue
            data, path = file.read(KEY_LIMIT_BYTES), directory / entry.name
            if create_once(path, data):
                result.brought_back.append(entry.name)
            elif not path.is_file() or path.read_bytes() != data:
                result.differing.append(entry.name)
    return result


def _key_files(directory: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from sorted(path for path in directory.iterdir() if _is_key(path.name))


def _is_key(name: str) -> bool:
    return name.endswith(ENDING)


def _open_regular(path: Path) -> IO[bytes]:
    """Raises FileNotFoundError also for what is no file, or too big to be a key."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > KEY_LIMIT_BYTES:
        os.close(descriptor)
        raise FileNotFoundError(path)
    return os.fdopen(descriptor, "rb")
