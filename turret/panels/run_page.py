"""What a run's page shows of the workflows that analyse it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Window
from django.db.models.functions import RowNumber

from runfolders.models import Runfolder
from seqhub.lib.panels import Panel, Tab, Track
from turret.choices import UNDER_WAY, Status
from turret.models import Workflow
from turret.panels.chips import status_chip
from turret.panels.dashboard import WorkflowLine, with_launches, workflow_lines
from turret.panels.failures import Failure, failure_of
from turret.panels.links import workflows_link
from turret.selectors import TASK_HEAVY, ending_tasks, listed_workflows

# The newest ones; the list of workflows has all.
SHOWN = 20
FAILURES_SHOWN = 3
# Of several workflows the first of these tells how the analysis stands.
_TELLING = (
    *UNDER_WAY,
    Status.FAILED,
    Status.UNKNOWN,
    Status.CANCELLED,
    Status.SUCCEEDED,
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """A workflow of a run, with the tasks that ended it."""

    line: WorkflowLine
    failures: list[Failure]
    is_resumed: bool  # a later one of its session took over


def tracks(run: Runfolder) -> list[Track]:
    """How the analysis stands, by the last workflow of each session; nothing where
    no workflow is linked to the run."""
    rows = listed_workflows().filter(runfolder=run.pk)
    last = list(_last_of_sessions(rows[:SHOWN]).values())
    if not last:
        return []
    telling = min(last, key=lambda row: _TELLING.index(Status(row.status)))
    done = sum(row.status == Status.SUCCEEDED for row in last)
    return [Track("Analysis", status_chip(telling), f"{done}/{len(last)}")]


def tabs(run: Runfolder) -> list[Tab]:
    count = Workflow.objects.filter(runfolder=run.pk).count()
    return [Tab("workflows", "Workflows", lambda _query: [_panel(run, count)], count)]


def _panel(run: Runfolder, count: int) -> Panel:
    found = with_launches(listed_workflows().filter(runfolder=run.pk))
    rows = list(found[:SHOWN])
    analyses = _analyses(rows)
    return Panel(
        "workflows",
        "Workflows",
        "turret/panels/of_run.html",
        {
            "analyses": analyses,
            "more": max(count - SHOWN, 0),
            "is_live": any(row.status in UNDER_WAY for row in rows),
        },
        count=count,
        link=workflows_link(runfolder_id=run.pk) if count else "",
    )


def _analyses(rows: list[Workflow]) -> list[Analysis]:
    """Newest first. Four queries at the most."""
    last = _last_of_sessions(rows)
    failures = _failures([row for row in last.values() if row.status == Status.FAILED])
    return [
        Analysis(
            line,
            failures.get(line.workflow.pk, []),
            is_resumed=last[_session(line.workflow)] != line.workflow,
        )
        for line in workflow_lines(rows)
    ]


def _failures(workflows: list[Workflow]) -> dict[int, list[Failure]]:
    """Workflow id -> the first tasks that ended it."""
    found: dict[int, list[Failure]] = defaultdict(list)
    if not workflows:
        return found
    by_id = {row.pk: row for row in workflows}
    rows = Workflow.objects.filter(pk__in=by_id).order_by()
    reports = dict(rows.values_list("pk", "error_report"))
    place = Window(RowNumber(), partition_by="workflow_id", order_by="task_id")
    tasks = ending_tasks(workflows).annotate(place=place)
    tasks = tasks.filter(place__lte=FAILURES_SHOWN).defer(*TASK_HEAVY)
    for task in tasks.order_by("workflow_id", "task_id"):
        pk = task.workflow_id
        found[pk].append(failure_of(by_id[pk], task, reports[pk]))
    return found


def _last_of_sessions(rows: Iterable[Workflow]) -> dict[str, Workflow]:
    """Session -> its last workflow, of rows that begin with the newest."""
    last: dict[str, Workflow] = {}
    for row in rows:
        last.setdefault(_session(row), row)
    return last


def _session(row: Workflow) -> str:
    return row.session_id or f"workflow:{row.pk}"
