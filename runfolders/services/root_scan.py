"""The scan of one root: each folder for itself, so that none stops another."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from runfolders.choices import IN_FLIGHT, RootStatus, Sequencing
from runfolders.engine.files import storable
from runfolders.engine.look import Before, Looker
from runfolders.engine.survey import Survey
from runfolders.engine.walk import Walk
from runfolders.models import Root, Runfolder
from runfolders.services.columns import facts_of
from runfolders.services.passing_over import passed_over
from runfolders.services.policy import Policy
from runfolders.services.presence import note_missing, retire
from runfolders.services.recorder import Recorder, RootReport
from runfolders.services.roots import mark_available, mark_missing
from seqhub.lib.patience import TimedOut, patient, within

log = logging.getLogger(__name__)

# One directory may take so long; a mount that takes longer hangs. One that was
# missing before must not keep the others waiting again.
ANSWER_S = 30
MISSING_ANSWER_S = 5
STATVFS_S = 5

Progress = Callable[[int, int], None]
# What such a folder shows can change without any stat of its top level.
_ALWAYS = frozenset({*IN_FLIGHT, Sequencing.UNREADABLE})


def scan_root(
    root: Root,
    *,
    policy: Policy,
    progress: Progress,
    deadline: float | None = None,
    now: dt.datetime | None = None,
) -> RootReport:
    """Look at one root. `deadline` is of time.monotonic().

    A root that is missing, unmounted or hangs is marked so, and nothing else
    is said of its run folders.
    """
    began = time.monotonic()
    at = now or timezone.now()
    ids, settled, live = known_folders(root)
    section = settings.CONFIG.runfolders
    others = {str(other.path) for other in section.monitored_directories}
    walk = Walk(
        root.path,
        root.depth,
        section.ignored_names,
        frozenset(others),
        passed_over(root.host),
    )
    survey = Survey(walk, Looker(policy.markers), settled, live)
    report = RootReport(root.path)
    recorder = Recorder(root, ids, policy, report, now)
    try:
        _go_through(survey, recorder, progress, deadline)
        disk = within(STATVFS_S, root.path, os.statvfs, root.path)
    except TimedOut:
        report.missing = "it does not answer; is a network mount stuck?"
    except OSError as error:
        report.missing = (error.strerror or str(error)).lower()
    if survey.is_other_disk:
        report.missing = (
            f"none of the {len(ids)} run folders that it held is there, nor the disk "
            "that they lay on: it seems not to be mounted"
        )
    # A copy: a thread that was given up may write on.
    for path, reason in walk.unreadable.copy().items():
        report.unreadable[storable(path)] = reason
    if report.missing:
        mark_missing(root, report.missing, now=at)
    elif report.is_finished:
        mark_available(root, now=at)
        _note_absences(survey, ids, report, at)
        _note_scan(root, began, disk)
    return report


def _go_through(
    survey: Survey, recorder: Recorder, progress: Progress, deadline: float | None
) -> None:
    """Raises OSError or TimedOut if the root can't be looked at."""
    root, report = recorder.root, recorder.report
    is_there = root.status == RootStatus.AVAILABLE
    answer_s = ANSWER_S if is_there else MISSING_ANSWER_S
    for batch in patient(answer_s, root.path, survey):
        report.seen = batch.done
        recorder.record_all(batch.looks)
        progress(batch.done, batch.total)
        is_late = deadline is not None and time.monotonic() > deadline
        if is_late and not batch.is_last:
            report.is_finished = False
            return


def _note_absences(
    survey: Survey, ids: dict[str, int], report: RootReport, at: dt.datetime
) -> None:
    for path, signature in survey.renumbered.items():
        Runfolder.objects.filter(pk=ids[path]).update(signature=signature)
    report.vanished = note_missing([ids[path] for path in survey.gone], now=at)
    for path in survey.uncovered:
        reason = "the configuration no longer covers its place"
        report.vanished += retire(ids[path], reason, now=at)


def _note_scan(root: Root, began: float, disk: os.statvfs_result) -> None:
    root.scanned_at = timezone.now()
    root.scan_duration_s = time.monotonic() - began
    root.total_bytes = disk.f_blocks * disk.f_frsize
    root.free_bytes = disk.f_bavail * disk.f_frsize
    root.save(
        update_fields=["scanned_at", "scan_duration_s", "total_bytes", "free_bytes"]
    )


def known_folders(
    root: Root,
) -> tuple[dict[str, int], dict[str, str], dict[str, Before]]:
    """The run folders that are present, by real path: all ids; signatures of those
    that are settled; what is known of those that are looked at in any case."""
    ids: dict[str, int] = {}
    settled: dict[str, str] = {}
    live: dict[str, Before] = {}
    rows = Runfolder.objects.filter(root=root, is_present=True)
    changing = rows.filter(sequencing_on_disk__in=_ALWAYS)
    facts = {row.pk: facts_of(row) for row in changing.select_related("instrument")}
    columns = ("pk", "path", "raw_path", "signature", "missing_since")
    for pk, path, raw_path, signature, missing_since in rows.values_list(*columns):
        if raw_path is not None:
            path = os.fsdecode(bytes(raw_path))
        ids[path] = pk
        if pk in facts or missing_since is not None:
            live[path] = Before(signature, facts.get(pk))
        else:
            settled[path] = signature
    return ids, settled, live
