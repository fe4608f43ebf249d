"""How much directories hold."""

from __future__ import annotations

import os


def look_into(directory: str, counted: set[tuple[int, int]]) -> tuple[int, list[str]]:
    """Bytes of the regular files in a directory, as `ls -l` tells them, and the paths
    of the directories in it. Raises OSError.

    Links are not followed. `counted` takes up what has several names, which counts
    once.
    """
    size, below = 0, []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # a temporary file, gone again
                identity = (found.st_dev, found.st_ino)
                if found.st_nlink == 1 or identity not in counted:
                    size += found.st_size
                if found.st_nlink > 1:
                    counted.add(identity)
    return size, below
