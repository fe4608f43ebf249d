"""What the cache of repositories holds no longer, and what killed clones have left."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seqhub.lib.files import Locked, locked
from turret.engine.pipelines.cache import LOCK

KEEP_S = 30 * 24 * 3600.0
MOST_BYTES = 10 << 30
# Notes of clones under way, each locked by whoever makes it.
CLONES = "clones"
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}\.partial")
_DOOMED = ".dropped"


def tidy(cache_dir: Path, *, keep_s: float = KEEP_S, most: int = MOST_BYTES) -> None:
    """Drop repositories that were not used for `keep_s` seconds, and then the longest
    unused until the others have at most `most` bytes; and what clones have left whose
    process was killed.

    While somebody reads a repository none is dropped.
    """
    if not cache_dir.is_dir():
        return
    with suppress(Locked), locked(cache_dir / LOCK, wait=False):
        for place in _unwanted(cache_dir, keep_s, most):
            place.rename(cache_dir / f"{place.name}{_DOOMED}.{secrets.token_hex(4)}")
    for place in cache_dir.glob(f"*{_DOOMED}.*"):
        shutil.rmtree(place, ignore_errors=True)
    for note in _entries(cache_dir / CLONES):
        _clear(note)


def _unwanted(cache_dir: Path, keep_s: float, most: int) -> Iterator[Path]:
    places = [
        (entry.stat().st_mtime, entry)
        for entry in _entries(cache_dir)
        if entry.is_dir() and entry.name != CLONES and _DOOMED not in entry.name
    ]
    total, now = 0, time.time()
    for used, place in sorted(places, reverse=True):
        total += _size_of(place)
        if total > most or now - used > keep_s:
            yield place


def _entries(directory: Path) -> list[Path]:
    with suppress(OSError):
        return list(directory.iterdir())
    return []


def _size_of(place: Path) -> int:
    """Bytes of its files; some may go meanwhile."""
    size = 0
    for directory, _, names in os.walk(place):
        for name in names:
            with suppress(OSError):
                size += (Path(directory) / name).lstat().st_size
    return size


@contextmanager
def partial_of(target: Path, cache_dir: Path) -> Iterator[Path]:
    """A new directory beside `target`, gone at the end unless it was renamed; when we
    are killed, `tidy` finds it by its note. Raises OSError."""
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    notes = cache_dir / CLONES
    notes.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = notes / secrets.token_hex(8)
    # `tidy` may have it for a moment, as long as nothing is written there.
    with locked(note) as descriptor:
        try:
            os.write(descriptor, os.fsencode(partial))
            partial.mkdir()
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            note.unlink(missing_ok=True)


def _clear(note: Path) -> None:
    """Unless its clone is under way."""
    with suppress(OSError, Locked), locked(note, wait=False):
        partial = Path(os.fsdecode(note.read_bytes()))
        if _PARTIAL.fullmatch(partial.name):
            shutil.rmtree(partial, ignore_errors=True)
        if not partial.name or not os.path.lexists(partial):
            note.unlink()
