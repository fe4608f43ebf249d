"""Looks at made-up run folders."""

from __future__ import annotations

from pathlib import Path

from runfolders.engine.facts import FileStat, Listing
from runfolders.engine.registry import is_watched


def listing_of(folder: Path) -> Listing:
    """The listing that a scan would make of the folder."""
    files = {}
    for path in folder.iterdir():
        if path.is_file() and is_watched(path.name.lower()):
            found = path.stat()
            files[path.name.lower()] = FileStat(
                path.name, found.st_size, found.st_mtime, found.st_ino
            )
    directories = frozenset(path.name for path in folder.iterdir() if path.is_dir())
    return Listing(folder, files, directories)


def make_folder(folder: Path, files: dict[str, str]) -> Path:
    """A folder with these files, by path below it; a path that ends in / is a
    directory."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder
