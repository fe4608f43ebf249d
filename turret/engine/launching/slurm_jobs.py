"""Head jobs of SLURM: Nextflow itself, run where the cluster has room for it.

Without slurmdbd there is no sacct: squeue knows the jobs that wait or run, scontrol
those that ended within the last minutes (MinJobAge).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.plan import HeadJob

# A controller that is away costs its programs their own time-outs.
ANSWER_S = 10
SUBMIT_S = 30
# States in which nothing of the job runs (squeue(1), JOB STATE CODES).
WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD"})
ENDED = frozenset(
    {
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    }
)
# What SLURM's programs print when it is SLURM that is in trouble, not the job.
_DOWN = re.compile(
    r"unable to (?:contact|connect|establish)|timed? ?out|refused|zero bytes|munge"
    r"|communication|in standby|try again|temporar|unavailable|resolve|expired",
    re.IGNORECASE,
)
_FIELDS = re.compile(r"(?:^| )(JobName|JobState|Reason)=(\S*)")
_NO_REASON = ("", "None", "(null)")
# With several clusters: number;cluster. Plugins of a site may print before it.
_ANSWER = re.compile(r"^(\d+)(?:;\S+)?\s*\Z", re.MULTILINE)
# Nextflow's own log. Of a task in an array: number_index.
_SENT = re.compile(rb"\[SLURM\] submitted .* > jobId: (\d+)\S*; workDir: (/.*)$")
_LONGEST_LINE = 64 << 10
# On one command line.
_MOST_JOBS = 500


class SlurmDown(Exception):
    """SLURM does not answer; what was asked may have been done all the same."""


class NoSlurm(SlurmDown):
    """Its programs are not installed here."""


class Refused(Exception):
    """SLURM does not take the job; the message is its own."""


@dataclass(frozen=True, slots=True)
class Job:
    """`state` is SLURM's word, `reason` why it waits or ended; empty: not told."""

    job_id: str
    state: str
    reason: str = ""

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


def job_name(launch_id: str) -> str:
    return f"seqhub-{launch_id}"


def submit(
    files: LaunchFiles, launch_id: str, head_job: HeadJob, env: Mapping[str, str]
) -> str:
    """Hand the script over; the job's id. The job gets `env` as it is.

    Raises Refused, SlurmDown.
    """
    argv = ["sbatch", "--parsable", f"--job-name={job_name(launch_id)}"]
    argv += [f"--chdir={files.directory}", f"--output={_plain(files)}"]
    # A second start would end at once, and leave nothing that says so.
    argv += ["--open-mode=append", "--no-requeue", "--export=ALL"]
    argv += options_of(head_job)
    answer = _run([*argv, str(files.script)], env, SUBMIT_S)
    found = _ANSWER.search(answer)
    if found is None:
        # Found by its name, if it is there.
        raise SlurmDown(f"sbatch has told no number, but {answer.strip()[:200]!r}")
    return found[1]


def options_of(head_job: HeadJob) -> list[str]:
    """What sbatch is asked for."""
    asked = (
        ("partition", head_job.queue),
        ("account", head_job.account),
        ("cpus-per-task", head_job.cpus),
        ("mem", f"{head_job.memory_mb}M" if head_job.memory_mb else ""),
        ("time", head_job.time_minutes),
    )
    return [f"--{option}={value}" for option, value in asked if value]


def listed(env: Mapping[str, str]) -> dict[str, Job]:
    """Jobs of launches that wait or run, by their names. Raises SlurmDown, Refused."""
    argv = ["squeue", "--noheader", f"--user={os.geteuid()}", "--format=%A|%T|%r|%j"]
    jobs = {}
    for line in _run(argv, env).splitlines():
        # Names are anybody's, and may hold the bar.
        job_id, state, reason, name = [*line.split("|", 3), "", "", ""][:4]
        jobs[name.strip()] = Job(job_id, state, "" if reason in _NO_REASON else reason)
    return jobs


def ended_job(job_id: str, launch_id: str, env: Mapping[str, str]) -> Job | None:
    """A job that squeue lists no longer; None if SLURM has forgotten it.

    Raises SlurmDown.
    """
    try:
        text = _run(["scontrol", "--oneliner", "show", "job", job_id], env)
    except Refused:
        return None
    told = dict(_FIELDS.findall(text))
    if told.get("JobName") != job_name(launch_id):
        return None  # SLURM has lost its state, and given the number again
    reason = told.get("Reason", "")
    return Job(job_id, told.get("JobState", ""), "" if reason in _NO_REASON else reason)


def stop(job_id: str, launch_id: str, env: Mapping[str, str]) -> None:
    """SIGTERM to the script of a running job, which passes it on. Raises SlurmDown;
    that it has ended is no error."""
    name = f"--name={job_name(launch_id)}"
    _cancel(["scancel", "--batch", "--signal=TERM", name, job_id], env)


def kill(job_id: str, launch_id: str, env: Mapping[str, str]) -> None:
    """Out of the queue, or ended as SLURM does it: SIGTERM, then SIGKILL. Raises
    SlurmDown; that it has ended is no error."""
    _cancel(["scancel", f"--name={job_name(launch_id)}", job_id], env)


def sent_tasks(log: Path) -> dict[str, Path]:
    """Jobs that Nextflow has submitted for its tasks, by their numbers, and where
    each works, as its log has it. Reads the whole log; may hang with the disk."""
    jobs = {}
    try:
        with log.open("rb") as lines:
            for line in iter(lambda: lines.readline(_LONGEST_LINE), b""):
                if found := _SENT.search(line.rstrip()):
                    jobs[found[1].decode()] = Path(os.fsdecode(found[2]))
    except FileNotFoundError:
        return {}
    return jobs


def working(env: Mapping[str, str]) -> dict[str, Path]:
    """Jobs of our user that wait or run, by their numbers, and where they work.
    Raises SlurmDown, Refused."""
    # Of an array, the number of all of it.
    argv = ["squeue", "--noheader", f"--user={os.geteuid()}", "--format=%F|%Z"]
    pairs = (line.partition("|") for line in _run(argv, env).splitlines())
    return {job_id: Path(place) for job_id, _, place in pairs}


def left_of(
    sent: Mapping[str, Path], jobs: Mapping[str, Path], work_dir: Path
) -> list[str]:
    """Numbers of those of `jobs` that were `sent`. May hang with the disk.

    Numbers are given again: it works where the log says, below the work directory.
    """
    home = work_dir.resolve()
    return [
        job_id
        for job_id, place in jobs.items()
        if job_id in sent
        and (real := place.resolve()) == sent[job_id].resolve()
        and real.is_relative_to(home)
    ]


def kill_all(job_ids: Sequence[str], env: Mapping[str, str]) -> None:
    """Raises SlurmDown; that one has ended is no error."""
    for start in range(0, len(job_ids), _MOST_JOBS):
        _cancel(["scancel", *job_ids[start : start + _MOST_JOBS]], env)


def _cancel(argv: list[str], env: Mapping[str, str]) -> None:
    with suppress(Refused):
        _run(argv, env)


def _plain(files: LaunchFiles) -> str:
    """A path in which sbatch replaces nothing, such as %j."""
    return str(files.output).replace("%", "%%")


def _run(argv: list[str], env: Mapping[str, str], limit_s: float = ANSWER_S) -> str:
    """What one of SLURM's programs prints. Raises Refused, SlurmDown."""
    try:
        done = subprocess.run(
            argv,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=limit_s,
        )
    except FileNotFoundError:
        raise NoSlurm(f"there is no program {argv[0]} on PATH") from None
    except OSError as error:
        raise SlurmDown(f"{argv[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise SlurmDown(f"{argv[0]} did not answer for {limit_s} s") from None
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "replace")
    printed = done.stderr.decode("utf-8", "replace").strip()
    prefix = re.compile(rf"{argv[0]}: (?:error: )?")
    told = [prefix.sub("", line, count=1).strip() for line in printed.splitlines()]
    message = "; ".join(told) or f"exit code {done.returncode}"
    if _DOWN.search(printed):
        raise SlurmDown(f"{argv[0]}: {message}")
    raise Refused(message)
