"""Reports of a workflow: MultiQC's page and whatever else a pipeline made for people.

Nextflow never uploads them. Those that the pipeline's `tower.yml` declares it lists in
`nf-<workflow id>-reports.tsv` in the launch directory, and copies that file to the work
directory (TowerReports of Nextflow 25.04); others are found by their names. All of it
may be written by anybody who computes there: nothing is believed, and everything is
bounded.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from turret.engine.below import open_directory, open_file, way_to
from turret.engine.globs import matches
from turret.engine.tails import Untold

MOST_REPORTS = 100
# Of a file that names them; Nextflow writes some 200 bytes for each.
MOST_TSV_BYTES = 256 << 10
# The address of a report's page holds its path.
LONGEST_PATH_BYTES = 1000
LONGEST_DISPLAY = 200
# What a search may look at: levels of directories, names, and time.
DEEPEST = 6
MOST_NAMES = 50_000
LONGEST_SEARCH_S = 3.0
_CHUNK_BYTES = 256 << 10
_HEX = frozenset("0123456789abcdef")
HTML = "text/html"
UNKNOWN = "application/octet-stream"
_TYPES = {
    ".html": HTML,
    ".htm": HTML,
    ".txt": "text/plain",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}
KNOWN_TYPES = frozenset(_TYPES.values())


@dataclass(frozen=True, slots=True)
class Named:
    """A line of the file that Nextflow writes; a path may be another host's, or be in
    a bucket."""

    path: str
    display: str
    mime_type: str  # empty: not said, or not one of KNOWN_TYPES


@dataclass(frozen=True, slots=True)
class Report:
    """A regular file that may be read here."""

    name: str
    path: str  # as it was published
    display: str  # what people call it
    size_bytes: int
    modified_at: dt.datetime | None  # None: the disk says no time that can be
    mime_type: str  # one of KNOWN_TYPES, or UNKNOWN


@dataclass(slots=True)
class Search:
    """What a search has found, and whether it could look everywhere."""

    reports: list[Report]
    is_whole: bool = True


def read_named(directory: str, workflow_id: str, root: Path) -> list[Named]:
    """What Nextflow lists in a directory; none where there is no such list.

    Its columns are key, path, size, display and mime_type; of them only the path is
    needed. May hang with the disk.
    """
    file_name = f"nf-{workflow_id}-reports.tsv"
    if "/" in file_name or "\0" in file_name:
        return []
    try:
        real_root, names = way_to(directory, root)
        file, size = _open(real_root, (*names, file_name))
        with file:
            data = file.read(min(size, MOST_TSV_BYTES))
    except (OSError, ValueError):
        return []
    # A line that was cut, or is being written, is none yet.
    lines = data.decode("utf-8", "replace").split("\n")[:-1]
    columns = lines[0].rstrip("\r").split("\t") if lines else []
    found = [_named(columns, line) for line in lines[1:]]
    # The same file published twice is listed twice.
    once = {named.path: named for named in found if named is not None}
    return list(once.values())[:MOST_REPORTS]


def _named(columns: Sequence[str], line: str) -> Named | None:
    row = dict(zip(columns, line.rstrip("\r").split("\t"), strict=False))
    path = row.get("path", "")
    if path.startswith("file:"):
        path = "/" + unquote(path[5:]).lstrip("/")
    if not _is_decent(path):
        return None
    mime_type = row.get("mime_type", "").strip().lower()
    display = "".join(c for c in row.get("display", "") if c.isprintable())
    return Named(
        path,
        display.strip()[:LONGEST_DISPLAY],
        mime_type if mime_type in KNOWN_TYPES else "",
    )


def look_at(named: Iterable[Named], roots: Sequence[Path]) -> list[Report]:
    """Those that may be read here. May hang with the disk."""
    found = (_look_at(one, roots) for one in named)
    return [report for report in found if report is not None]


def search(
    directory: str,
    globs: Iterable[str],
    roots: Sequence[Path],
    *,
    without: str = "",
) -> Search:
    """Reports in and below a directory, by their paths relative to it.

    Directories nearby come first. Left out are links to directories, hidden names, the
    directory `without`, and what looks like Nextflow's work directories (`ab/`): there
    may be millions of files in them. May hang with the disk. Raises Untold when the
    directory can't be read.
    """
    directory = os.path.normpath(directory)
    patterns = [glob.split("/") for glob in globs]
    found = Search([])
    for names in _names_below(directory, roots, os.path.normpath(without), found):
        if any(matches(names, pattern) for pattern in patterns):
            path = os.path.join(directory, *names)
            report = _look_at(Named(path, "", ""), roots)
            if report is not None:
                found.reports.append(report)
        if len(found.reports) >= MOST_REPORTS:
            found.is_whole = False
            break
    return found


def _names_below(
    directory: str, roots: Sequence[Path], without: str, search: Search
) -> Iterator[tuple[str, ...]]:
    """What may be files, as the names that lead to them."""
    real_root, start = _way(directory, roots)
    until = time.monotonic() + LONGEST_SEARCH_S
    left = MOST_NAMES
    waiting: deque[tuple[str, ...]] = deque([()])
    while waiting:
        names = waiting.popleft()
        for name, is_directory in _entries(real_root, (*start, *names), names):
            left -= 1
            if left < 0 or time.monotonic() > until:
                search.is_whole = False
                return
            below = (*names, name)
            if not is_directory:
                yield below
            elif not _is_of_tasks(name) and os.path.join(directory, *below) != without:
                if len(below) < DEEPEST:
                    waiting.append(below)
                else:
                    search.is_whole = False


def _entries(
    real_root: str, place: tuple[str, ...], names: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    """Name, and whether it is a directory. Raises Untold for the first directory."""
    try:
        descriptor = open_directory(real_root, place)
    except OSError as error:
        if names:
            return
        where = "/".join((real_root, *place))
        raise Untold(f"{where} can't be read: {error.strerror}.") from None
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield entry.name, True
                elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                    yield entry.name, False
    except OSError:
        return
    finally:
        os.close(descriptor)


def _is_of_tasks(name: str) -> bool:
    return len(name) == 2 and _HEX.issuperset(name)


def open_report(path: str, roots: Sequence[Path]) -> tuple[BinaryIO, int]:
    """A regular file below one of the roots, and its size in bytes.

    The path may lead over links, as published files do; then no more link is followed.
    May hang with the disk. Raises Untold.
    """
    real_root, names = _way(path, roots)
    try:
        return _open(real_root, names)
    except FileNotFoundError:
        raise Untold(f"{path} is not there (any more).") from None
    except OSError as error:
        raise Untold(f"{path} can't be read: {error.strerror}.") from None


def chunks(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """At most the first bytes of a file that may grow meanwhile; closes it."""
    with file:
        while size_bytes > 0 and (data := file.read(min(size_bytes, _CHUNK_BYTES))):
            size_bytes -= len(data)
            yield data


def _look_at(named: Named, roots: Sequence[Path]) -> Report | None:
    name = os.path.basename(named.path)
    if not named.path.startswith("/") or not _is_decent(named.path) or not name:
        return None
    try:
        file, size = open_report(named.path, roots)
        with file:
            modified_at = _time(os.fstat(file.fileno()).st_mtime)
    except (OSError, Untold):
        return None
    mime_type = named.mime_type or _TYPES.get(Path(name).suffix.lower(), UNKNOWN)
    display = named.display or name
    return Report(name, named.path, display, size, modified_at, mime_type)


def _time(since_1970_s: float) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(since_1970_s, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _way(path: str, roots: Sequence[Path]) -> tuple[str, tuple[str, ...]]:
    """As below.way_to, from a root that it lies below. Raises Untold."""
    # Its own disk first: another one may hang.
    for root in sorted(roots, key=lambda root: not Path(path).is_relative_to(root)):
        try:
            real_root, names = way_to(path, root)
        except (OSError, ValueError):
            continue
        # Scripts of tasks with their environment, histories, keys of ssh.
        if any(name.startswith(".") for name in names):
            raise Untold(f"{path} is hidden.")
        return real_root, names
    raise Untold(f"{path} does not lie below a directory of turret.readable_roots.")


def _open(real_root: str, names: Sequence[str]) -> tuple[BinaryIO, int]:
    """A regular file and its size. Raises OSError."""
    file = os.fdopen(open_file(real_root, names), "rb", buffering=0)
    return file, os.fstat(file.fileno()).st_size


def _is_decent(path: str) -> bool:
    """Fit for a page and an address: neither control characters nor broken ones."""
    return path.isprintable() and 0 < len(path.encode()) <= LONGEST_PATH_BYTES
