"""Is a folder gone, or only out of reach?"""

from __future__ import annotations

import os


def is_gone(root: str, path: str, device: int | None) -> bool:
    """Whether there is certainly nothing at `path` below `root`, its disk being there.

    `device` is the folder's at the last look: what it lay in must still be on that
    one, be it below the root (a mount an instrument) or behind a link. Where none
    is known the root must at least hold something.
    """
    if not is_absent(path):
        return False
    try:
        if device is None:
            with os.scandir(root) as entries:
                return next(entries, None) is not None
        os.stat(root)  # noqa: PTH116 - paths are text here
        return _device_above(path) == device
    except OSError:
        return False


def is_absent(path: str) -> bool:
    """Whether nothing has this name; trouble on the way to it proves nothing."""
    try:
        os.stat(path)  # noqa: PTH116 - paths are text here
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _device_above(path: str) -> int:
    """The device of the directory that `path`, links followed, lies in, or of the
    nearest one above that is there. Raises OSError."""
    directory = os.path.dirname(os.path.realpath(path))
    while is_absent(directory):
        directory = os.path.dirname(directory)
    return os.stat(directory).st_dev  # noqa: PTH116 - paths are text here
