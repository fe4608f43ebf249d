"""Pipelines of launches, fetched from their repositories before Nextflow starts.

A server far away may take minutes, or hang. So it is done in threads beside the looks
at the other launches of the host; one that was killed is begun again.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from django.db import connection, transaction

from turret.choices import LaunchState
from turret.engine.launching import process
from turret.engine.pipelines.git import RepositoryError
from turret.engine.pipelines.sources import resolve
from turret.models import Launch, Workflow
from turret.services.launching import locks, reasons
from turret.services.launching.checkouts import gone_on_with, is_missing, place_of
from turret.services.launching.plans import files_of, on_disk
from turret.services.launching.starting import begin, fail
from turret.services.launching.states import Reason, lock_launch, wait
from turret.services.repositories import repository

log = logging.getLogger(__name__)

# Of each of git's commands that ask the repository; there are up to three.
LIMIT_S = 60.0
_MOST_AT_ONCE = 4


class Fetches:
    """Those of this process that are under way."""

    def __init__(self) -> None:
        self._threads: dict[int, threading.Thread] = {}

    def begin(self, pk: int) -> None:
        """Have the pipeline of a launch fetched, unless it is being."""
        running = {
            key: thread for key, thread in self._threads.items() if thread.is_alive()
        }
        self._threads = running
        if pk in running or len(running) >= _MOST_AT_ONCE:
            return
        running[pk] = threading.Thread(target=_fetch_apart, args=[pk], daemon=True)
        running[pk].start()


def fetch(pk: int) -> None:
    """Check out the pipeline of a launch that is `starting`, and start it; where that
    can't be done, it has failed. May be repeated, by several at once."""
    rows = Launch.objects.select_related("workflow", "parent__workflow")
    launch = rows.filter(
        pk=pk, state=LaunchState.STARTING, cancel_asked_at=None
    ).first()
    place = None if launch is None else place_of(launch)
    if launch is None or place is None:
        return
    with locks.exclusive(locks.CHECK_OUT, str(place)) as is_mine:
        launch.workflow.refresh_from_db(fields=["commit_id"])
        if is_mine and is_missing(launch):
            _say(launch)
            _check_out(launch, place)


def _fetch_apart(pk: int) -> None:
    try:
        fetch(pk)
    except Exception:
        log.exception("launch %s: its pipeline could not be fetched", pk)
    finally:
        connection.close()


def _check_out(launch: Launch, place: Path) -> None:
    source, before = resolve(launch.source), gone_on_with(launch)
    # A branch may be another commit by now; a run goes on with its own.
    is_same = before is not None and before.revision == launch.revision
    wanted = before.commit_id if before and is_same else launch.revision
    try:
        on_disk(launch, process.make_directory, files_of(launch))
        commit = repository(LIMIT_S).check_out(source, wanted, place)
    except RepositoryError as error:
        step = "Correct the pipeline or its revision, then launch it again."
        fail(launch, Reason("no_pipeline", f"{error}", step))
        return
    except OSError as error:
        fail(launch, reasons.of_disk(error))
        return
    Workflow.objects.filter(pk=launch.workflow_id).update(
        repository=source.url, commit_id=commit, project_dir=str(place)
    )
    begin(launch.pk, {})


def _say(launch: Launch) -> None:
    words = f"Its pipeline is being fetched: {launch.source}."
    with transaction.atomic():
        locked = lock_launch(launch.pk)
        if locked.state == LaunchState.STARTING:
            wait(locked, Reason("fetching", words))
