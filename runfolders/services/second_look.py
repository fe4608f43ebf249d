"""Looking again, every few seconds, at what is being written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from runfolders.choices import IN_FLIGHT
from runfolders.engine.facts import Unreadable
from runfolders.engine.look import Before, Look, Looker
from runfolders.models import Root, Runfolder
from runfolders.services.columns import facts_of
from runfolders.services.policy import current_policy
from runfolders.services.recorder import Recorder, RootReport
from runfolders.services.size import ring_for_sizes
from seqhub.lib.patience import TimedOut, patient

ANSWER_S = 10


def look_again(host: str) -> int:
    """Look at the run folders of `host` that change; how many still do.

    Those that stand still are left to the scan, and so is what is gone.
    """
    policy = current_policy()
    looker = Looker(policy.markers)
    completed = 0
    for root, rows in _by_root(_in_flight(host)).items():
        ids = {str(row.location): row.pk for row in rows}
        before = {
            str(row.location): Before(row.signature, facts_of(row)) for row in rows
        }
        report = RootReport(root.path)
        recorder = Recorder(root, ids, policy, report, is_poll=False)
        # A root that hangs is the scan's to report.
        with suppress(TimedOut):
            for look in patient(ANSWER_S, root.path, _looks(looker, before)):
                recorder.record(look)
        completed += report.completed
    if completed:
        ring_for_sizes(host)
    return len(_in_flight(host))


def _in_flight(host: str) -> list[Runfolder]:
    rows = Runfolder.objects.filter(
        host=host,
        is_present=True,
        missing_since=None,
        stalled_at=None,
        sequencing_on_disk__in=IN_FLIGHT,
        root__is_configured=True,
    )
    return list(rows.select_related("root", "instrument"))


def _by_root(rows: list[Runfolder]) -> dict[Root, list[Runfolder]]:
    by_root: dict[Root, list[Runfolder]] = {}
    for row in rows:
        by_root.setdefault(row.root, []).append(row)
    return by_root


def _looks(looker: Looker, before: Mapping[str, Before]) -> Iterator[Look]:
    for path, last in before.items():
        with suppress(FileNotFoundError, NotADirectoryError, Unreadable):
            if look := looker.look_at(path, last):
                yield look
