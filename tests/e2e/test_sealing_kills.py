"""kill -9 of what a running site consists of, in the middle of a seal."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from seqhub.lib import processes
from tests.archiving.keys import add_key, make_home, stop_agent
from tests.archiving.safety.ground import is_whole
from tests.e2e.sites import Site, eventually, new_site

pytestmark = pytest.mark.slow

BIG_BYTES = 4_000_000
# Passes on some, and the rest once the gate is open.
GATED_TAR = """#!/bin/bash
[ "$1" = --create ] || exec {tar} "$@"
set -o pipefail
{tar} "$@" | {{
    head -c 2000000
    while [ -e {gate} ]; do sleep 0.1; done
    cat
}}
"""


@dataclass(frozen=True)
class Sealing:
    """A site that seals, with a tar that can be made to wait."""

    site: Site
    runs: Path
    archives: Path
    gnupg: Path
    gate: Path

    def begin(self, name: str) -> Path:
        """A run, half of which has been sealed when this returns."""
        run = self.runs / "A00834" / name
        run.mkdir(parents=True)
        (run / "big.bcl").write_bytes(os.urandom(BIG_BYTES))
        (run / ".metadata_rsync_exitcode").write_text("0\n")
        self.gate.touch()
        self.tend()
        eventually(lambda: self._has_begun(name), f"the seal\n{self.site.log}")
        return run

    def _has_begun(self, name: str) -> bool:
        partials = self.archives.glob(f"{name}.tar.gpg.*.partial")
        return any(partial.stat().st_size for partial in partials)

    def go_on(self) -> None:
        self.gate.unlink()

    def tend(self) -> None:
        """What is done each minute, unless one is to come."""
        queue = f"local-{self.site.host}"
        waiting = "SELECT 1 FROM django_q_ormq WHERE key = %s AND lock <= now()"
        if not self.site.query(waiting, queue):
            self.site.ring(queue, "archiving.tasks.tend", self.site.host)

    def check_sealed(self, run: Path) -> None:
        """That the archive comes about, and nothing else is left."""
        eventually(lambda: self._is_sealed(run.name), f"the seal\n{self.site.log}")
        name = run.name
        assert sorted(path.name for path in self.archives.glob(f"{name}*")) == [
            f"{name}.manifest.gpg",
            f"{name}.tar.gpg",
        ]
        wrapped = self.site.data_dir / "run_keys" / f"{name}.key.gpg"
        archive = self.archives / f"{name}.tar.gpg"
        assert is_whole(self.gnupg, archive, wrapped.read_bytes(), run)
        assert not list(self.site.directory.rglob("*.partial"))

    def _is_sealed(self, name: str) -> bool:
        self.tend()
        found = self.site.query(
            "SELECT 1 FROM archiving_archivejob WHERE run_name = %s"
            " AND status = 'encrypted' AND verification = 'verified'",
            name,
        )
        return bool(found)


@pytest.fixture(scope="module")
def sealing() -> Iterator[Sealing]:
    with new_site() as site, pytest.MonkeyPatch.context() as patch:
        top = site.directory
        runs, archives, programs = top / "runs", top / "archives", top / "bin"
        for directory in (runs, archives, programs):
            directory.mkdir()
        gnupg = make_home(top / "keys")
        values = {
            "host": site.host,
            "archiving": {
                "sequencing_path": str(runs),
                "destination_path": str(archives),
                "gnupg_home": str(gnupg),
                "gpg_receivers": [add_key(gnupg, "core")],
                "free_space_margin_gb": 0,
                "lease_s": 2,
            },
        }
        (top / "seqhub.yaml").write_text(json.dumps(values))
        gate = top / "gate"
        tar = programs / "tar"
        tar.write_text(GATED_TAR.format(tar=shutil.which("tar"), gate=gate))
        tar.chmod(0o755)
        patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        site.start()
        yield Sealing(site, runs, archives, gnupg, gate)
        gate.unlink(missing_ok=True)
        stop_agent(gnupg)


def test_a_killed_database_costs_no_archive(sealing: Sealing) -> None:
    run = sealing.begin("240131_A00834_0001_AHMTFYDRXX")
    data = sealing.site.data_dir / "postgres"
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    psutil.Process(postmaster).kill()
    sealing.go_on()
    site = sealing.site
    eventually(lambda: site.get("/readyz") == 200, "readiness")
    sealing.check_sealed(run)


def test_a_killed_worker_costs_no_archive(sealing: Sealing) -> None:
    run = sealing.begin("240131_A00834_0002_AHMTFYDRXX")
    session = sealing.site.sessions()[f"long-{sealing.site.host}"]
    worker = next(
        parent
        for process in processes.descendants(session)
        if "--symmetric" in psutil.Process(process.pid).cmdline()
        and (parent := psutil.Process(process.pid).parent())
    )
    worker.kill()
    sealing.go_on()
    sealing.check_sealed(run)


def test_all_killed_at_once_cost_no_archive(sealing: Sealing) -> None:
    run = sealing.begin("240131_A00834_0003_AHMTFYDRXX")
    sealing.site.kill_everything()
    assert not (sealing.archives / f"{run.name}.tar.gpg").exists()
    sealing.go_on()
    sealing.site.start()
    sealing.check_sealed(run)
    assert sealing.site.stop() == 0
