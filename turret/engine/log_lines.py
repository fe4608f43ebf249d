"""Lines of Nextflow's log, and what they say.

`Nov-22 14:12:36.307 [thread] LEVEL logger - message`, in local time and without a
year; other lines belong to the message before them. Sources: logs that Nextflow 24.10
wrote, and its Launcher, CmdRun, Session, GridTaskHandler, TaskHandler, TaskProcessor,
TaskPollingMonitor, WorkflowStats.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from turret.engine.records import Counters

LOG_LINE = re.compile(
    r"(?P<at>[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d\.\d{3}) \[[^\]]*\] "
    r"(?P<level>[A-Z]{4,5}) +(?P<logger>\S+) - (?P<message>.*)"
)
SUBMITTED = re.compile(
    r"\[(?P<hash>[0-9a-f]{2}/[0-9a-f]{6})\] (?P<how>Submitted|Re-submitted|Cached)"
    r" process > (?P<name>.*)"
)
# Of any grid: SLURM, SGE, PBS...
SENT = re.compile(
    r"\[(?P<grid>[A-Z][A-Z ]{1,20})\] submitted process (?P<name>.+) > "
    r"jobId: (?P<job>[^;\s]{1,64}); workDir: (?P<workdir>\S*)"
)
_HANDLER = (
    r"TaskHandler\[(?:jobId: (?P<job>[^;\s]{1,64}); )?id: (?P<id>\d+); "
    r"name: (?P<name>.*); status: (?P<status>\w+); exit: (?P<exit>\S+); "
    r"error: (?P<error>.*?); workDir: (?P<workdir>[^\]\s]+)"
)
ENDED = re.compile(rf"Task completed > {_HANDLER}")
# Of those that have not ended, in a list of some each five minutes.
LISTED = re.compile(rf"~> {_HANDLER}")
AGAIN = re.compile(
    r"\[(?P<hash>.{9})\] NOTE: .* -- (?P<what>Execution is retried|Error is ign)"
)
STATS = re.compile(r"Workflow completed > WorkflowStats\[(?P<pairs>.*)")
KILLED = re.compile(r"Session aborted -- Cause: (?P<signal>SIG[A-Z]+)")
TRACE = re.compile(r"Workflow started -- trace file: (?P<path>.+)")

_COUNT = re.compile(r"\b(\w{1,40})Count=(-?\d{1,9});")
_PEAK = re.compile(r"\bpeak(Running|Cpus|Memory)=(-?\d[\d.]{0,20}(?: [KMGTPE]?B)?);")
# A tag may hold anything; its end is missing where the line ends within it.
_NAME = re.compile(r"(?P<process>\S+)(?: \((?P<tag>.*?)\)?)?", re.DOTALL)
_HASH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{6}")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?) ?([KMGTPE]?)B?")
_UNITS = " KMGTPE"
_STAMP = "%Y %b-%d %H:%M:%S.%f"


def hash_of(workdir: str) -> str:
    """`ab/123456` of a task's work directory; empty when it has another form."""
    short = "/".join(workdir.rstrip("/").split("/")[-2:])[:9]
    return short if _HASH.fullmatch(short) else ""


def parts_of(name: str) -> tuple[str, str]:
    """The process and the tag of a task's name, `A:B (tag)`."""
    found = _NAME.fullmatch(name)
    return (found["process"], found["tag"] or "") if found else (name, "")


def moment(stamp: str, written_at: datetime) -> datetime | None:
    """The time of a line: of the last year before the log was written, in the time
    zone of this process. An hour that comes twice, when summer ends, is the later one
    if that had begun."""
    for year in (written_at.year, written_at.year - 1):
        try:
            local = datetime.strptime(f"{year} {stamp}", _STAMP)  # noqa: DTZ007 - below
            first = local.astimezone(UTC)
            second = local.replace(fold=1).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if first < second <= written_at:
            return second
        # A day: the clock of the file's host, or its time zone, may be another.
        if (first - written_at).total_seconds() < 86_400:
            return first
    return None


def counters_of(pairs: str) -> Counters:
    """Nextflow's own sum at the end."""
    known = {name: int(count) for name, count in _COUNT.findall(pairs)}
    peaks = dict(_PEAK.findall(pairs))
    return Counters(
        succeeded=known.get("succeeded", 0),
        failed=known.get("failed", 0),
        cached=known.get("cached", 0),
        ignored=known.get("ignored", 0),
        retries=known.get("retries", 0),
        aborted=known.get("aborted", 0),
        peak_running=quantity(peaks.get("Running", "")) or 0,
        peak_cpus=quantity(peaks.get("Cpus", "")) or 0,
        peak_memory_bytes=quantity(peaks.get("Memory", "")) or 0,
    )


def quantity(text: str) -> int | None:
    """A number, or bytes as Nextflow writes them for people: `4.9 MB`, of 1,024 KB."""
    found = _QUANTITY.fullmatch(text)
    if found is None or len(text) > 20:
        return None
    number, unit = found.groups()
    scale: int = 1024 ** _UNITS.index(unit or " ")
    size = int(number) * scale if number.isdigit() else round(float(number) * scale)
    return size if size < 1 << 63 else None
