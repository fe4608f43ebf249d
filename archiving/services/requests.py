"""The run that a person wants sealed, named in the way that is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from django.db.models import Q, QuerySet
from django.utils import timezone

from archiving.errors import AmbiguousRun
from archiving.models import ArchiveJob
from archiving.selectors import find_jobs, one_job
from archiving.services.policy import current_policy
from archiving.services.registration import register_path, register_runfolder
from runfolders.models import Runfolder
from runfolders.selectors import visible_runfolders
from seqhub.lib.patience import within
from seqhub.operations.errors import InvalidValue, NotFound
from seqhub.operations.services.events import Actor

# All directories of sequencers are looked into for a name.
ANSWER_S = 10.0


def request_archive(word: str, *, actor: Actor) -> tuple[ArchiveJob, bool]:
    """The job of a run, and whether it is new.

    `word` is a name, `sequencer/run`, or the path of a known run folder or of one
    below `sequencing_path`; no other place on disk is touched. Raises AmbiguousRun,
    InvalidValue for a path elsewhere, NotFound, SealingOff, TimedOut.
    """
    word = word.rstrip("/")
    if find_jobs(word).exists():
        return one_job(word), False
    asked_at = timezone.now()
    if runfolder := _runfolder(word):
        job = register_runfolder(runfolder.pk, actor=actor)
    else:
        job = register_path(_arrived(word), actor=actor)
    return job, job.created_at >= asked_at


def request_archive_of(runfolder_id: int, *, actor: Actor) -> tuple[ArchiveJob, bool]:
    """The same for a known run folder. Raises NotFound, SealingOff."""
    asked_at = timezone.now()
    job = register_runfolder(runfolder_id, actor=actor)
    return job, job.created_at >= asked_at


def locate(word: str) -> Path:
    """Where the run lies that `request_archive` would take; raises what that does."""
    word = word.rstrip("/")
    if find_jobs(word).exists():
        return one_job(word).location
    runfolder = _runfolder(word)
    return runfolder.location if runfolder else _arrived(word)


def _runfolder(word: str) -> Runfolder | None:
    found = list(_runfolders(word).order_by("pk")[:10])
    if len(found) > 1:
        raise _ambiguous(word, [row.path for row in found])
    return found[0] if found else None


def _runfolders(word: str) -> QuerySet[Runfolder]:
    meant = Q(path=word) | Q(name=word)
    sequencer, _, run = word.partition("/")
    if sequencer and run:
        above = Q(instrument__serial=sequencer) | Q(path__endswith=f"/{word}")
        meant |= above & Q(name=run)
    return visible_runfolders().filter(meant, is_present=True)


def _arrived(word: str) -> Path:
    """The directory below `sequencing_path` that is meant."""
    top = current_policy().sequencing_path
    if word.startswith("/"):
        path = Path(word)
        if os.path.normpath(word) != word or top is None or path.parent.parent != top:
            raise InvalidValue(
                f"{word} is no run folder that SeqHub knows, and does not lie in "
                "<archiving.sequencing_path>/<sequencer>."
            )
        found = within(ANSWER_S, str(top), _those_there, [path])
    elif top is None:
        found = []
    else:
        found = within(ANSWER_S, str(top), _named, top, word)
    if len(found) > 1:
        raise _ambiguous(word, [str(path) for path in found])
    if not found:
        below = f" or below {top}" if top else ""
        raise NotFound(
            f"There is no run {word} in the monitored directories{below}. A name,"
            " sequencer/run or a path says which is meant."
        )
    return found[0]


def _named(top: Path, word: str) -> list[Path]:
    """`run` in all sequencers' directories, or `sequencer/run`."""
    parts = word.split("/")
    if len(parts) > 2 or any(part in ("", ".", "..") for part in parts):
        return []
    if len(parts) == 2:
        return _those_there([top / word])
    return _those_there([above / word for above in _those_there(top.iterdir())])


def _those_there(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_dir())


def _ambiguous(word: str, paths: list[str]) -> AmbiguousRun:
    return AmbiguousRun(
        f"Several runs are called {word}. Say which by its path: {', '.join(paths)}.",
        candidates=paths,
    )
