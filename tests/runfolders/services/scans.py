"""Scans at a time that the test sets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.utils import timezone

from runfolders.models import Runfolder
from runfolders.services.scan import ScanReport, scan_host
from tests.factories import HOST


def scan(*, after_minutes: float = 0) -> ScanReport:
    """Scan the host of the tests as if it were so many minutes later."""
    now = timezone.now() + dt.timedelta(minutes=after_minutes)
    report = scan_host(HOST, now=now)
    assert report is not None
    return report


def row_of(folder: Path) -> Runfolder:
    """The present row of a run folder."""
    return Runfolder.objects.get(path=str(folder), is_present=True)
