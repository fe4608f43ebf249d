"""What a killed worker left of its gpg homes."""

from __future__ import annotations

import os
from pathlib import Path

from archiving.engine.gpg.home import dispose, places, try_lock


def remove_leftovers(work_dir: Path) -> int:
    """End the processes in homes whose holder is gone, and remove those homes.

    Answers how many there were. Homes that are held are left alone.
    """
    removed = 0
    for parent, prefix in places(work_dir):
        for home in sorted(parent.glob(f"{prefix}*")):
            removed += _remove_if_left(home)
    return removed


def _remove_if_left(home: Path) -> bool:
    # The temporary directory is everybody's: others may use our names there.
    if home.is_symlink() or not home.is_dir() or home.stat().st_uid != os.geteuid():
        return False
    lock = try_lock(home)
    if lock is None:
        return False
    try:
        dispose(home)
    finally:
        os.close(lock)
    return True
