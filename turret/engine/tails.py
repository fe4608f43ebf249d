"""The ends of files in work directories, which users of the cluster write.

What lies there is not to be trusted: a link may lead anywhere, a name may be a
FIFO, a log may be endless.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from turret.engine.below import open_file, way_to


class Untold(Exception):
    """The file can't be shown; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Tail:
    text: str
    is_cut: bool  # there is more before it


def root_of(path: str, roots: Iterable[Path]) -> Path | None:
    """The root that `path` lies below, as it is spelled; nothing is touched."""
    if not path.startswith("/") or "\0" in path:
        return None
    plain = Path(os.path.normpath(path))
    return next((root for root in roots if plain.is_relative_to(root)), None)


def read_tail(directory: str, name: str, root: Path, limit_bytes: int) -> Tail:
    """At most the last `limit_bytes` bytes of a regular file, as text.

    `directory` must lie below `root` also once links are resolved; after that no
    link is followed, so that nobody can exchange a directory in between. May
    hang with the disk. Raises Untold.
    """
    try:
        real_root, names = way_to(directory, root)
    except (OSError, ValueError):
        raise Untold(f"{directory} does not lie below {root}.") from None
    try:
        descriptor = open_file(real_root, [*names, name])
    except FileNotFoundError:
        raise Untold(f"{name} is not there (any more).") from None
    except OSError as error:
        raise Untold(f"{name} can't be read: {error.strerror}.") from None
    try:
        start = max(os.fstat(descriptor).st_size - limit_bytes, 0)
        data = os.pread(descriptor, limit_bytes, start)
    except OSError as error:
        raise Untold(f"{name} can't be read: {error.strerror}.") from None
    finally:
        os.close(descriptor)
    if start:
        # The first line is most likely half a line.
        data = data.partition(b"\n")[2] or data
    text = data.decode("utf-8", "replace").replace("\0", "�")
    return Tail(text, is_cut=start > 0)
