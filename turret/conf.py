"""The `turret` section of the configuration."""

from __future__ import annotations

from pydantic import Field

from seqhub.lib.sections import ConfigPath, Section


class LauncherSection(Section):
    """Launching on this host: the compute environment `local`."""

    # On PATH, or a path.
    nextflow: str = Field(default="nextflow", min_length=1)
    # Of launches: their files, and Nextflow's work directories; default: `launches`
    # in data_dir.
    work_dir: ConfigPath | None = None
    default_profile: str = ""
    # Below which people may browse, upload, and choose directories.
    allowed_roots: list[ConfigPath] = Field(default_factory=list)
    # Nextflows on this host itself; head jobs of SLURM count for their compute
    # environment alone.
    max_concurrent: int = Field(default=4, ge=1)
    # So many days after the end work directories go: of launches that have succeeded,
    # and of the others, which could be resumed. 0: never.
    clear_after_days: float = Field(default=0, ge=0)
    clear_resumable_after_days: float = Field(default=0, ge=0)
    # With them go launch directories, and what pipelines have written there.
    clear_launch_dirs: bool = False


class TurretSection(Section):
    launcher: LauncherSection = Field(default_factory=LauncherSection)
    # What batch_id leaves out at the beginning of a run name.
    batch_prefix: str = "dispatcher_"
    # Silence (s) after which a workflow is stalled, then unknown; and after which
    # one that never began is unknown.
    stalled_after_s: float = Field(default=300, gt=60)
    unknown_after_s: float = Field(default=1800, gt=60)
    never_began_after_s: float = Field(default=3600, gt=60)
    # Where work directories and reports may be read for the console.
    readable_roots: list[ConfigPath] = Field(default_factory=list)
    # Of reports, below a workflow's launch directory and output directory.
    report_globs: list[str] = Field(
        default_factory=lambda: ["**/multiqc_report.html", "**/*_report.html"]
    )
    # After so many days scripts and environments of tasks go, then the tasks
    # themselves; counts stay. 0: never.
    keep_scripts_days: float = Field(default=180, ge=0)
    keep_tasks_days: float = Field(default=730, ge=0)
