"""Is a folder gone, or only out of reach?"""

from __future__ import annotations

import os


def is_gone(root: str, path: str) -> bool:
    """Whether there is certainly nothing at `path` below `root`.

    Not if the root is away, or empty: then its disk is probably not mounted.
    """
    try:
        with os.scandir(root) as entries:
            if next(entries, None) is None:
                return False
    except OSError:
        return False
    return is_absent(path)


def is_absent(path: str) -> bool:
    """Whether nothing has this name; trouble on the way to it proves nothing."""
    try:
        os.stat(path)  # noqa: PTH116 - paths are text here
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
