"""Tasks of a workflow by state: the numbers of its page, each with its list."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q

from turret.choices import FINAL, TaskStatus
from turret.engine.states import done_of
from turret.models import Counters, Workflow, WorkflowProcess
from turret.panels.links import tasks_link
from turret.selectors import counters_of
from turret.words import ErrorAction, simple_name
from turret.words import TaskStatus as Word

_FAILED = Q(status=TaskStatus.FAILED)
_RETRIED = Q(error_action=ErrorAction.RETRY.value)
_IGNORED = Q(error_action=ErrorAction.IGNORE.value)


@dataclass(frozen=True, slots=True)
class State:
    """A state that tasks are counted and looked for by."""

    key: str
    label: str
    condition: Q
    colour: str
    title: str


# Each task is in exactly one of them.
STATES: dict[str, State] = {
    state.key: state
    for state in (
        State(
            "pending",
            "pending",
            Q(status__in=[TaskStatus.NEW, TaskStatus.OTHER]),
            "default",
            "Wait in Nextflow.",
        ),
        State(
            "submitted",
            "submitted",
            Q(status=TaskStatus.SUBMITTED),
            "default",
            "Wait for the machine or the scheduler.",
        ),
        State(
            "running",
            "running",
            Q(status=TaskStatus.RUNNING),
            "info",
            "Are being computed.",
        ),
        State(
            "succeeded",
            "succeeded",
            Q(status=TaskStatus.COMPLETED),
            "success",
            "Ended without an error.",
        ),
        State(
            "cached",
            "cached",
            Q(status=TaskStatus.CACHED),
            "success",
            "Taken from an earlier run.",
        ),
        State(
            "failed",
            "failed",
            _FAILED & ~_RETRIED & ~_IGNORED,
            "danger",
            "Ended with an error that ended the run, or is about to.",
        ),
        State(
            "retried",
            "retried",
            _FAILED & _RETRIED,
            "warning",
            "Failed attempts that were followed by another.",
        ),
        State(
            "ignored",
            "ignored",
            _FAILED & _IGNORED,
            "warning",
            "Failed, and the run went on.",
        ),
        State(
            "aborted",
            "aborted",
            Q(status=TaskStatus.ABORTED),
            "warning",
            "Stopped because the run came to its end.",
        ),
    )
}
OPEN = ("pending", "submitted", "running")
_OPEN_STATUSES = [word.value for word in Word if not word.is_final]
# What of an ended run has no end: those of OPEN together.
UNFINISHED = State(
    "unfinished",
    "not known",
    Q(status__in=_OPEN_STATUSES),
    "warning",
    "The run is over, and Nextflow never said what became of them.",
)
# Clients up to 26.03 drop the records that they could not send.
UNTOLD = State(
    "untold",
    "never told of",
    Q(pk=None),
    "warning",
    "Nextflow counted them, but no record of them came here.",
)
_ENDED = ("succeeded", "cached", "failed", "retried", "ignored", "aborted")
# Failed in any way: what the panel of failures shows.
FAILURES = State(
    "failures", "failed, retried or ignored", _FAILED, "danger", "Ended with an error."
)
_ALWAYS = {"succeeded", "cached", "failed"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number with its words; the link leads to the tasks that it counts."""

    key: str
    number: int
    words: str
    link: str  # empty: the tasks are not kept any longer
    colour: str
    title: str


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """A process with its bar."""

    name: str
    short: str  # its simple name
    done: int
    total: int
    words: str
    colour: str
    link: str
    tiles: list[Tile]  # what is worth a word beside the bar


@dataclass(frozen=True, slots=True)
class Tally:
    """The tasks of a workflow by process and state."""

    workflow: Workflow
    by_process: dict[str, Counter[str]]

    @property
    def total(self) -> Counter[str]:
        return sum(self.by_process.values(), Counter())


def tally_of(workflow: Workflow) -> Tally:
    """One query."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    rows = workflow.tasks.order_by().values_list("process", "status", "error_action")
    for process, status, action, number in rows.annotate(Count("pk")):
        found[process][_key(status, action)] += number
    return Tally(workflow, found)


def _key(status: str, action: str) -> str:
    if status == TaskStatus.FAILED and action == ErrorAction.RETRY:
        return "retried"
    if status == TaskStatus.FAILED and action == ErrorAction.IGNORE:
        return "ignored"
    return {
        TaskStatus.COMPLETED: "succeeded",
        TaskStatus.NEW: "pending",
        TaskStatus.OTHER: "pending",
    }.get(TaskStatus(status), status)


def _counted(row: Counters) -> Counter[str]:
    """The same by Nextflow's own counters, where the tasks are not kept."""
    return Counter(
        {
            "pending": row.pending,
            "submitted": row.submitted,
            "running": row.running,
            "succeeded": row.succeeded,
            "cached": row.cached,
            "failed": row.failed - row.retries - row.ignored,
            "retried": row.retries,
            "ignored": row.ignored,
            "aborted": row.aborted,
        }
    )


def tiles(tally: Tally) -> list[Tile]:
    """Of the whole workflow; states that say nothing now are left out."""
    workflow = tally.workflow
    is_over = workflow.status in FINAL
    numbers = _counted(workflow) if workflow.tasks_pruned_at else tally.total
    found = [
        _tile(workflow, state, numbers[state.key])
        for state in STATES.values()
        if _is_worth_it(state, numbers[state.key], is_over=is_over)
    ]
    left = sum(max(numbers[key], 0) for key in OPEN)
    if is_over and not workflow.tasks_pruned_at:
        if left:
            found.append(_tile(workflow, UNFINISHED, left))
        if (untold := _untold(workflow, numbers)) > 0:
            state = UNTOLD
            words = (state.label, "", state.colour, state.title)
            found.append(Tile(state.key, untold, *words))
    return found


def _untold(workflow: Workflow, numbers: Counter[str]) -> int:
    """The counters are right: lists show them, and these tiles the tasks behind."""
    counted = _counted(workflow)
    return sum(counted[key] for key in _ENDED) - sum(numbers.values())


def _is_worth_it(state: State, number: int, *, is_over: bool) -> bool:
    if state.key in OPEN:
        return not is_over
    return number > 0 or state.key in _ALWAYS


def _tile(workflow: Workflow, state: State, number: int, process: str = "") -> Tile:
    filters = {"state": state.key} | ({"process": process} if process else {})
    return Tile(
        state.key,
        number,
        state.label,
        "" if workflow.tasks_pruned_at else tasks_link(workflow, **filters),
        state.colour,
        state.title,
    )


def process_lines(tally: Tally) -> list[ProcessLine]:
    """A bar a process, in the order of the pipeline. One query."""
    workflow = tally.workflow
    rows = {row.name: row for row in workflow.processes.all()}
    order = {name: number for number, name in enumerate(_names(workflow))}
    names = {*rows, *tally.by_process} - {""}

    def place(name: str) -> tuple[int, int, str]:
        row = rows.get(name)
        index = row.index if row else len(rows)
        return order.get(name, len(order)), index, name

    return [
        _process_line(workflow, name, rows.get(name), tally.by_process.get(name))
        for name in sorted(names, key=place)
    ]


def _names(workflow: Workflow) -> list[str]:
    names = workflow.process_names
    return [name for name in names if isinstance(name, str)] if names else []


def _process_line(
    workflow: Workflow,
    name: str,
    row: WorkflowProcess | None,
    numbers: Counter[str] | None,
) -> ProcessLine:
    if numbers is None:
        numbers = _counted(row) if row else Counter()
    is_over = workflow.status in FINAL
    if row is not None:
        found = done_of(counters_of(row), ended=is_over)
        done, total = found.done, found.total
    else:
        total = sum(numbers.values()) - numbers["retried"]
        done = total - sum(numbers[key] for key in OPEN)
    tiles = [
        _tile(workflow, state, numbers[state.key], name)
        for state in STATES.values()
        if numbers[state.key] > 0
        and state.key not in ("succeeded", "pending")
        and not (is_over and state.key in OPEN)
    ]
    words = f"{done:,} of {total:,}"
    if row is not None and row.stored > 0:
        words += f", {row.stored:,} from the store"
    return ProcessLine(
        name=name,
        short=simple_name(name),
        done=done,
        total=total,
        words=words,
        colour=_colour(numbers, is_done=total > 0 and done >= total),
        link="" if workflow.tasks_pruned_at else tasks_link(workflow, process=name),
        tiles=tiles,
    )


def _colour(numbers: Counter[str], *, is_done: bool) -> str:
    if numbers["failed"] > 0:
        return "danger"
    if numbers["aborted"] > 0:
        return "warning"
    return "success" if is_done else "primary"
