"""How a workflow stands, from what its client says."""

from __future__ import annotations

from dataclasses import dataclass

from turret.engine.records import Counters, Run
from turret.words import Status

# All that Nextflow reports of a run that a signal ended, and no exit status.
_SIGNALS = {"SIGINT", "SIGTERM", "SIGHUP"}


@dataclass(frozen=True, slots=True)
class Done:
    """How many tasks have settled. An attempt that was retried is no task of its own:
    the one that follows it is."""

    done: int
    total: int
    percent: int  # 100 only when all have

    @property
    def left(self) -> int:
        return self.total - self.done


def verdict(run: Run, counters: Counters) -> Status:
    """How a workflow ended, of `complete`.

    What Nextflow says counts, not the counters: ignored failures are success. But
    with failOnIgnore it exits 1 and says success (up to 26.07). If it says nothing,
    the exit status or an error decides; with none of them it is unknown.
    """
    success = _success(run)
    if success is None:
        return Status.UNKNOWN
    if success:
        tripped = run.fail_on_ignore and counters.ignored > 0
        return Status.FAILED if tripped else Status.SUCCEEDED
    interrupted = run.exit_status is None and run.error_report.strip() in _SIGNALS
    return Status.CANCELLED if interrupted else Status.FAILED


def true_failures(counters: Counters) -> int:
    """Failed tasks that were neither ignored nor tried again."""
    return max(0, counters.failed - counters.ignored - counters.retries)


def done_of(counters: Counters, *, ended: bool = False) -> Done:
    """How far the tasks are. What has not run when the workflow ends never will, and
    does not count: then this is 100 percent."""
    attempts = max(0, counters.failed - max(0, counters.retries))
    done = attempts + sum(
        max(0, count)
        for count in (counters.succeeded, counters.cached, counters.aborted)
    )
    if ended:
        return Done(done, done, 100)
    total = done + sum(
        max(0, count)
        for count in (counters.pending, counters.submitted, counters.running)
    )
    return Done(done, total, 100 * done // total if total else 0)


def batch_id(run_name: str, prefix: str) -> str:
    """What the caller of a pipeline named its batch: the run name without `prefix`."""
    return run_name.removeprefix(prefix) or run_name


def _success(run: Run) -> bool | None:
    if run.success is not None:
        return run.success
    if run.exit_status is not None:
        return run.exit_status == 0
    return False if run.error_message or run.error_report else None
