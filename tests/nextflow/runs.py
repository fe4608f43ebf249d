"""The real Nextflow that `make nextflow` installs, and runs of it."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqhub.lib import processes
from tests.needs import need

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "var" / "nextflow" / "nextflow"
PIPELINES = ROOT / "tests" / "data" / "pipelines"
PATIENCE_S = 60


def installed() -> Path:
    """The program `nextflow`. Where it can't be run, the test is skipped or fails."""
    need(shutil.which("java"), "needs Java: apt install openjdk-17-jre-headless")
    need((LAUNCHER.parent / "installed").is_file(), "needs Nextflow: make nextflow")
    return LAUNCHER


def environment(home: Path) -> dict[str, str]:
    """All that Nextflow needs of it; `home` is for its own files.

    Without a UTF-8 locale Java cannot read other file names.
    """
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NXF_HOME": str(home / "nextflow"),
        "NXF_ANSI_LOG": "false",
        # Half the processor time for a run of some seconds.
        "NXF_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


@dataclass
class Run:
    """A run of a pipeline in a session of its own, started in `directory`.

    What it can resume lies in `lineage`: the directory of an earlier run, or its own.
    """

    nextflow: Path
    directory: Path
    lineage: Path | None = None

    def start(self, pipeline: str, *arguments: str) -> subprocess.Popen[bytes]:
        self.directory.mkdir(exist_ok=True)
        lineage = self.lineage or self.directory
        options: list[str | Path]
        options = ["-work-dir", lineage / "work", "-with-trace", "trace.txt"]
        env = environment(self.directory)
        with (self.directory / "printed").open("wb") as output:
            return processes.spawn(
                [self.nextflow, "run", PIPELINES / pipeline, *arguments, *options],
                cwd=self.directory,
                env=env | {"NXF_CACHE_DIR": str(lineage / ".nextflow")},
                output=output,
            )

    def finish(self, pipeline: str, *arguments: str) -> int:
        """Run it to its end; the exit code."""
        process = self.start(pipeline, *arguments)
        try:
            return process.wait(PATIENCE_S)
        finally:
            end(process)

    @property
    def printed(self) -> str:
        return (self.directory / "printed").read_text()

    def tasks(self) -> list[tuple[str, str, str]]:
        """Name, status and exit of each task in the trace file, sorted."""
        with (self.directory / "trace.txt").open(newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            return sorted((row["name"], row["status"], row["exit"]) for row in rows)

    def wait_until(self, look: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not look():
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.1)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a run with its tasks, whatever became of it."""
    processes.end_session(process.pid, grace_s=0)
    process.wait(PATIENCE_S)
