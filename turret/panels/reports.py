"""Reports of a workflow: where they are looked for, what was found, and how each is
opened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from django.conf import settings
from django.core import signing
from django.urls import reverse

from seqhub.lib.panels import Panel
from seqhub.lib.patience import TimedOut, patient, within
from seqhub.lib.units import counted, format_bytes
from turret.engine.reports import (
    MOST_REPORTS,
    Named,
    Report,
    chunks,
    look_at,
    open_report,
    read_named,
    search,
)
from turret.engine.tails import Untold, root_of
from turret.models import Workflow
from turret.panels.work_dir import PATIENCE_S

# Between the start of a workflow and its first file; clocks may differ.
_LEEWAY = dt.timedelta(minutes=1)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Found:
    """What could be found of a workflow's reports."""

    reports: list[Report] = field(default_factory=list)
    why_none: str = ""
    # What is missing, a sentence each.
    notes: list[str] = field(default_factory=list)
    is_busy: bool = False  # others are looking; to be asked again


@dataclass(frozen=True, slots=True)
class Line:
    """A report, as a line of the list."""

    report: Report
    size: str
    # It may be of an earlier workflow of the same directory.
    is_older: bool
    link: str
    file_link: str


def reports_panel(workflow: Workflow) -> Panel:
    """Reads no file: the page asks for the list."""
    link = reverse("admin:turret_workflow_reports", args=[workflow.pk])
    return Panel("reports", "Reports", "turret/panels/reports.html", {"link": link})


def find_reports(workflow: Workflow) -> Found:
    """Those that Nextflow lists first, then those that are found by their names.

    Reads the disk, for a few seconds at the most for each root.
    """
    roots = settings.CONFIG.turret.readable_roots
    found = Found()
    if not roots:
        found.why_none = (
            "No disk may be read for reports: name those with results as "
            "turret.readable_roots in the configuration."
        )
        return found
    disks = _Disks(roots, found.notes)
    listed = disks.listed(workflow)
    by_path = {report.path: report for report in disks.look_at(listed)}
    if missing := len(listed) - len(by_path):
        found.notes.append(
            f"{counted(missing, 'report')} that Nextflow lists can't be read here."
        )
    for report in disks.searched(workflow):
        by_path.setdefault(report.path, report)
    found.reports = list(by_path.values())[:MOST_REPORTS]
    if not found.reports:
        found.why_none = _why_none(workflow, disks)
    return found


def lines_of(workflow: Workflow, reports: list[Report]) -> list[Line]:
    return [_line(workflow, report) for report in reports]


def file_of(workflow: Workflow, key: str) -> Named:
    """The report that a link of `lines_of` names. Raises signing.BadSignature."""
    path, mime_type = signing.loads(key, salt=_salt(workflow))
    return Named(path, "", mime_type)


def read_report(named: Named) -> tuple[int, Iterator[bytes]]:
    """Its size in bytes, and they. Reads the disk; raises Untold, and TimedOut also
    while the bytes are read."""
    roots = settings.CONFIG.turret.readable_roots
    root = root_of(named.path, roots)
    if root is None:
        raise Untold("It is not below a directory of turret.readable_roots.")
    place = str(root)
    opened: tuple[BinaryIO, int] = within(
        PATIENCE_S, place, open_report, named.path, roots
    )
    file, size_bytes = opened
    return size_bytes, patient(PATIENCE_S, place, chunks(file, size_bytes))


class _Disks:
    """Reads of one request; a root that does not answer is asked once."""

    def __init__(self, roots: list[Path], notes: list[str]) -> None:
        self.roots = roots
        self.notes = notes
        self.silent: set[Path] = set()

    def ask(
        self,
        root: Path,
        otherwise: T,
        function: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if root in self.silent:
            return otherwise
        try:
            return within(PATIENCE_S, str(root), function, *args, **kwargs)
        except TimedOut as error:
            self.silent.add(root)
            self.notes.append(f"{error}.")
        except Untold as error:
            self.notes.append(str(error))
        return otherwise

    def listed(self, workflow: Workflow) -> list[Named]:
        nothing: list[Named] = []
        for directory in (workflow.launch_dir, workflow.work_dir):
            root = root_of(directory, self.roots)
            if root is None:
                continue
            named = self.ask(
                root, nothing, read_named, directory, workflow.workflow_id, root
            )
            # In the work directory lies a copy, up to a minute old.
            if named:
                return named
        return nothing

    def look_at(self, named: list[Named]) -> list[Report]:
        found: list[Report] = []
        for root in self.roots:
            here = [one for one in named if root_of(one.path, self.roots) == root]
            if here:
                nothing: list[Report] = []
                found += self.ask(root, nothing, look_at, here, self.roots)
        return found

    def searched(self, workflow: Workflow) -> list[Report]:
        found: list[Report] = []
        for directory in dict.fromkeys((workflow.launch_dir, workflow.output_dir)):
            root = root_of(directory, self.roots)
            if root is None:
                continue
            done = self.ask(
                root,
                None,
                search,
                directory,
                settings.CONFIG.turret.report_globs,
                self.roots,
                without=workflow.work_dir,
            )
            if done is not None:
                found += done.reports
                if not done.is_whole:
                    self.notes.append(f"{directory} is too large to search all of it.")
        return found


def _why_none(workflow: Workflow, disks: _Disks) -> str:
    places = [one for one in (workflow.launch_dir, workflow.output_dir) if one]
    if not places:
        return "Nextflow has not said in which directory it works."
    if all(root_of(place, disks.roots) is None for place in places):
        return (
            "Its directories can't be read here: they are not below a directory of "
            "turret.readable_roots."
        )
    if disks.notes:
        return "No report could be read."
    globs = ", ".join(settings.CONFIG.turret.report_globs)
    return f"There is none yet: no file in its directories is like {globs}."


def _line(workflow: Workflow, report: Report) -> Line:
    key = signing.dumps(
        [report.path, report.mime_type], salt=_salt(workflow), compress=True
    )
    modified_at = report.modified_at
    start = workflow.started_at or workflow.created_at
    return Line(
        report=report,
        size=format_bytes(report.size_bytes),
        is_older=modified_at is not None and modified_at < start - _LEEWAY,
        link=reverse("admin:turret_workflow_report", args=[workflow.pk, key]),
        file_link=reverse("admin:turret_workflow_report_file", args=[workflow.pk, key]),
    )


def _salt(workflow: Workflow) -> str:
    """A link opens what was found of this workflow, and nothing else."""
    return f"turret.report.{workflow.pk}"
