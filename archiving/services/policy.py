"""The site's word on archives, with paths made out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from archiving.conf import Registration, Sentinel
from archiving.errors import SealingOff

GB = 10**9


@dataclass(frozen=True, slots=True)
class Policy:
    is_on: bool
    destination: Path | None
    run_keys: Path
    manifests_dir: Path
    gpg_work_dir: Path
    gnupg_home: Path | None  # None: gpg's own choice
    receivers: tuple[str, ...]
    restore_roots: tuple[Path, ...]
    ignore: tuple[str, ...]
    exclusions: tuple[str, ...]
    sentinel: Sentinel
    register_when: Registration | None
    sequencing_path: Path | None
    max_concurrent_jobs: int
    margin_bytes: int
    lease_s: float
    reverify_days: float
    restore_keep_days: float

    def require_destination(self) -> Path:
        """Where archives go. Raises SealingOff."""
        if self.destination is None or not self.receivers:
            missing = (
                "archiving.gpg_receivers names nobody"
                if self.destination
                else "archiving.destination_path is not set"
            )
            raise SealingOff(f"Nothing can be sealed: {missing}.")
        return self.destination


def current_policy() -> Policy:
    """The `archiving` section of the configuration, read now."""
    config = settings.CONFIG
    section = config.archiving
    return Policy(
        is_on=section.is_on,
        destination=section.destination_path,
        run_keys=config.run_keys_path,
        manifests_dir=config.data_dir / "manifests",
        gpg_work_dir=config.data_dir / "run" / "gnupg",
        gnupg_home=section.gnupg_home,
        receivers=tuple(section.gpg_receivers),
        restore_roots=tuple(section.restore_roots),
        ignore=tuple(section.ignore),
        exclusions=tuple(section.tar_exclusions),
        sentinel=section.sentinel,
        register_when=section.register_when,
        sequencing_path=section.sequencing_path,
        max_concurrent_jobs=section.max_concurrent_jobs,
        margin_bytes=round(section.free_space_margin_gb * GB),
        lease_s=section.lease_s,
        reverify_days=section.reverify_days,
        restore_keep_days=section.restore_keep_days,
    )
