"""Which run a workflow analyses, by the paths that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from runfolders.models import Runfolder
from runfolders.selectors import visible_runfolders
from turret.engine.records import Run
from turret.selectors import listed_workflows
from turret.services.callers import TRACE
from turret.services.history import record

# Parameters may be anything; a run folder is named early, or not by them.
_MOST_TEXTS = 2_000
_MOST_PATHS = 5_000
_LONGEST = 4_096
_DEEPEST = 32
_PATH = re.compile(r"""(?<![^\s='",:;\[({])/[^\s='",:;\[\](){}*?]+""")


def guess_runfolder(run: Run) -> Runfolder | None:
    """The one run folder on disk that its directories, parameters or command line
    lie in or name; None if there is none, or several."""
    paths = set(islice(_paths(run), _MOST_PATHS))
    if not paths:
        return None
    rows = visible_runfolders().filter(is_present=True, path__in=paths)
    found = list(rows.order_by()[:2])
    return found[0] if len(found) == 1 else None


def link_by_itself(pk: int, run: Run) -> None:
    """Link a workflow that is linked to nothing; its row is locked."""
    found = guess_runfolder(run)
    row = listed_workflows().filter(pk=pk, runfolder=None).first()
    if found is None or row is None:
        return
    row.runfolder = found
    row.save(update_fields=["runfolder"])
    message = f"{row} names {found.path}: it was linked to the run."
    record(row, "linked", message, actor=TRACE)


def _paths(run: Run) -> Iterator[str]:
    """Every absolute path that is named, and all directories above it; `file://` is
    no matter."""
    texts = [run.launch_dir, run.work_dir, run.command_line]
    for text in [*texts, *islice(_texts(run.params or {}, 0), _MOST_TEXTS)]:
        named = _PATH.findall(text[:_LONGEST])
        # A path alone may hold spaces.
        for found in [text, *named] if text[:1] == "/" else named:
            path = PurePosixPath(found)
            yield from (str(part) for part in (path, *path.parents[:-1]))


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth < _DEEPEST:
        for item in value.values():
            yield from _texts(item, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _texts(item, depth + 1)
