"""The files of a launch: a directory of ours, beside where Nextflow runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LaunchFiles:
    """Their places. Parameters, configuration, script and token are readable to their
    owner only: they may be secret."""

    directory: Path

    @property
    def params(self) -> Path:
        """JSON, for -params-file."""
        return self.directory / "params.json"

    @property
    def config(self) -> Path:
        """What the layers of configuration come to, for -c."""
        return self.directory / "launch.config"

    @property
    def script(self) -> Path:
        """What runs Nextflow and keeps its exit code."""
        return self.directory / "launch.sh"

    @property
    def token(self) -> Path:
        """What Nextflow traces with; only while it runs."""
        return self.directory / "token"

    @property
    def claim(self) -> Path:
        """A directory that the script makes first: a second start ends there."""
        return self.directory / "claimed"

    @property
    def process(self) -> Path:
        """`pid start_ticks boot_id` of the script, one line."""
        return self.directory / "process"

    @property
    def exit_code(self) -> Path:
        """Nextflow's, written when it has ended."""
        return self.directory / "exit_code"

    @property
    def output(self) -> Path:
        """What Nextflow and the script print."""
        return self.directory / "output.log"

    @property
    def nextflow_log(self) -> Path:
        return self.directory / "nextflow.log"

    @property
    def trace(self) -> Path:
        """Nextflow's trace file, with all fields, raw."""
        return self.directory / "trace.tsv"

    @property
    def measuring(self) -> Path:
        """How far the measurement of its size has come; only in between."""
        return self.directory / "measuring.json"

    @property
    def launch_dir(self) -> Path:
        """Where Nextflow is started, unless it goes on with another launch."""
        return self.directory / "launch"

    @property
    def pipeline(self) -> Path:
        """Holds the checkout of a git repository's pipeline, by its name."""
        return self.directory / "pipeline"

    @property
    def work_dir(self) -> Path:
        return self.directory / "work"
