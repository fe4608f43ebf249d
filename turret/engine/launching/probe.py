"""Trying out a place where launches are to run, before one does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from turret.engine.launching.plan import HeadJob
from turret.engine.launching.script import setup_of
from turret.engine.launching.slurm_jobs import options_of

ANSWER_S = 30
# Of what a program prints.
_MOST = 64 << 10
_VERSION = re.compile(r"^\s*Version:\s*(\S+)", re.MULTILINE)
_RUNTIME = re.compile(r"^\s*Runtime:\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: whether it is as it should be, and what it is."""

    what: str
    is_fine: bool
    said: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where launches are to run. `modules` and `pre_run` are read by a shell."""

    nextflow: str
    work_dir: Path
    modules: str = ""
    pre_run: str = ""
    head_job: HeadJob | None = None  # None: Nextflow runs on this host


def try_out(place: Place, env: Mapping[str, str]) -> list[Finding]:
    """What launches there would find. Takes seconds; at most ANSWER_S each."""
    found = [*_nextflow(place, env), _work_dir(place.work_dir)]
    if place.head_job is not None:
        found += _slurm(place.head_job, env)
    return found


def _nextflow(place: Place, env: Mapping[str, str]) -> Iterator[Finding]:
    """As a launch would start it: behind the modules and the lines before it."""
    setup = setup_of(place.modules, place.pre_run)
    script = f'{setup}\nexec "$0" info\n'
    code, printed = _run(["bash", "-c", script, place.nextflow], env)
    version, runtime = _VERSION.search(printed), _RUNTIME.search(printed)
    if code == 0 and version:
        yield Finding("Nextflow", True, f"{place.nextflow} is version {version[1]}.")
        java = runtime[1].rpartition(" on ")[2] if runtime else "not told"
        yield Finding("Java", True, f"{java}.")
        return
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    told = lines[-1][:500] if lines else f"it ended with code {code}"
    yield Finding("Nextflow", False, f"{place.nextflow} can't be run: {told}")


def _work_dir(path: Path) -> Finding:
    """A file that has no name shows that it can be written to."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent  # what is missing is made by the first launch
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"x")
            file.flush()
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding("Work directory", False, f"{there}: {error.strerror}.")
    made = "" if there == path else " It is made by the first launch."
    size = f"{free / 2**30:,.1f} GiB free"
    return Finding("Work directory", True, f"{path} can be written to, {size}.{made}")


def _slurm(job: HeadJob, env: Mapping[str, str]) -> Iterator[Finding]:
    code, printed = _run(["sinfo", "--noheader", "--format=%R %a"], env)
    partitions = [line for line in printed.splitlines() if line.strip()]
    if code:
        yield Finding("SLURM", False, _first(printed, "sinfo did not answer."))
        return
    up = [line.split()[0] for line in partitions if line.split()[-1] == "up"]
    told = ", ".join(up) or "none that is up"
    yield Finding("SLURM", bool(up), f"It answers; partitions: {told}.")
    with tempfile.NamedTemporaryFile("w", prefix="seqhub-test-") as script:
        script.write("#!/bin/bash\ntrue\n")
        script.flush()
        argv = ["sbatch", "--test-only", *options_of(job), script.name]
        code, printed = _run(argv, env)
    if code:
        yield Finding("Head job", False, _first(printed, "sbatch refuses it."))
    else:
        yield Finding("Head job", True, "SLURM would take it.")


def _first(printed: str, otherwise: str) -> str:
    line = next((line for line in printed.splitlines() if line.strip()), otherwise)
    return line.strip()[:500]


def _run(argv: list[str], env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and the beginning of what is printed; its whole session ends with it
    when it takes too long."""
    with tempfile.TemporaryFile() as printed:
        try:
            child = subprocess.Popen(
                argv,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            return 127, f"{argv[0]}: {error.strerror}"
        try:
            code = child.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return 124, f"{argv[0]} did not answer for {ANSWER_S} s"
        data = os.pread(printed.fileno(), _MOST, 0)
    return code, data.decode("utf-8", "replace").replace(
        "\0", "\N{REPLACEMENT CHARACTER}"
    )
