"""Run folders for tests: made, and listed as the scanner lists them."""

from __future__ import annotations

import os
from pathlib import Path

from runfolders.engine.facts import FileStat, Listing
from runfolders.engine.illumina.markers import is_watched

EXAMPLES = Path(__file__).parents[3] / "runfolders" / "examples"
MISEQ = EXAMPLES / "230825_M04034_0043_000000000-L6NVV"
NOVASEQ = EXAMPLES / "200624_A00834_0183_BHMTFYTINY"


def list_folder(path: Path) -> Listing:
    files = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_file() and is_watched(entry.name.lower()):
                stat = entry.stat()
                files[entry.name.lower()] = FileStat(
                    entry.name, stat.st_size, stat.st_mtime, stat.st_ino
                )
    directories = frozenset(child.name for child in path.iterdir() if child.is_dir())
    return Listing(path, files, directories)


def make_folder(path: Path, **files: str | bytes) -> Path:
    """A folder with these files; `RunInfo_xml=` becomes RunInfo.xml."""
    path.mkdir(parents=True)
    for key, content in files.items():
        stem, _, suffix = key.rpartition("_")
        data = content if isinstance(content, bytes) else content.encode()
        (path / f"{stem}.{suffix}").write_bytes(data)
    return path


def run_info(
    reads: str = '<Read Number="1" NumCycles="10" IsIndexedRead="N"/>',
    run_id: str = "170101_A00001_0001_AHXXXXXXXX",
    rest: str = "",
) -> str:
    return (
        f'<RunInfo Version="5"><Run Id="{run_id}" Number="1">'
        f"<Reads>{reads}</Reads>{rest}</Run></RunInfo>"
    )
