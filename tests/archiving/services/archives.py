"""Archives that really are on disk, and looks at them."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.utils import timezone

from archiving.models import ArchiveJob, Restore, Verification
from archiving.services.adoption import OldRun, OldStatus
from archiving.services.claiming import claim_job
from archiving.services.restores import claim_restore, request_restore, run_restore
from archiving.services.sealing import seal_job
from archiving.services.verification import (
    claim_verification,
    request_verification,
    run_verification,
)
from tests.archiving.keys import gpg
from tests.archiving.runs import RUN, SHELL, Site
from tests.factories import HOST

WORKER = "testhost:1:aa"


def make_archive(site: Site, run: Path | None = None) -> ArchiveJob:
    """Sealed and verified."""
    job = site.add_job(run)
    claimed = claim_job(job.pk, HOST, WORKER)
    assert claimed is not None
    seal_job(claimed)
    job.refresh_from_db()
    assert job.sealed_at, job.message
    return job


def verify(
    job: ArchiveJob, *, key_file: Path | None = None, **options: Any
) -> Verification:
    """As a person's request and a worker do; `job` is fresh afterwards."""
    row = request_verification(job.pk, actor=SHELL, **options)
    claimed = claim_verification(row.pk, HOST, WORKER)
    assert claimed is not None
    done = run_verification(claimed, key_file=key_file)
    job.refresh_from_db()
    return done


def restore(
    job: ArchiveJob, target: Path, *, key_file: Path | None = None, **options: Any
) -> Restore:
    options = {"files": [], "actor": SHELL, **options}
    row = request_restore(job.pk, target=str(target), **options)
    return run_again(row, key_file=key_file)


def run_again(row: Restore, *, key_file: Path | None = None) -> Restore:
    claimed = claim_restore(row.pk, HOST, WORKER)
    assert claimed is not None
    return run_restore(claimed, key_file=key_file)


def faults(row: Verification) -> list[str]:
    return [finding["fault"] for finding in row.findings]


def take_secret_keys_away(site: Site) -> None:
    """As where only public keys are kept."""
    shutil.rmtree(site.gnupg / "private-keys-v1.d")


def open_key(site: Site, job: ArchiveJob) -> Path:
    """What a person decrypts by hand where the secret key is."""
    path = site.path / "opened" / f"{job.pk}.key"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gpg(site.gnupg, "--decrypt", str(job.key_path)))
    return path


def differences(one: Path, other: Path) -> str:
    """What diff(1) finds, links and their like included; empty: they are the same."""
    found = subprocess.run(
        ["diff", "--recursive", "--no-dereference", str(one), str(other)],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout + found.stderr


def make_old_archive(
    site: Site, *, passphrase: bytes | None = None, status: str = "encrypted"
) -> OldRun:
    """An archive as dataflow_archive makes it: 256 random bytes for a passphrase, of
    which gpg takes what stands before the first newline or NUL."""
    run = site.add_run()
    key = passphrase or secrets.token_bytes(256).replace(b"\n", b"+").replace(
        b"\0", b"+"
    )
    key_file = site.path / "old.key"
    key_file.write_bytes(key)
    run_keys = site.path / "old_keys"
    run_keys.mkdir(exist_ok=True)
    tar = subprocess.run(
        ["tar", "-C", str(run.parent), "-c", RUN], check=True, capture_output=True
    )
    archive = site.destination / f"{RUN}.tar.gpg"
    archive.write_bytes(
        gpg(
            site.gnupg,
            *("--pinentry-mode", "loopback", "--passphrase-file", str(key_file)),
            *("--symmetric", "--cipher-algo", "AES256"),
            content=tar.stdout,
        )
    )
    wrapped = run_keys / f"{RUN}.key.gpg"
    receiver = ("--trust-model", "always", "--recipient", site.fingerprint)
    wrapped.write_bytes(gpg(site.gnupg, *receiver, "--encrypt", content=key))
    key_file.unlink()
    return OldRun(
        run_name=RUN,
        path=os.fspath(run),
        status=OldStatus(status),
        created_at=timezone.now(),
        updated_at=timezone.now(),
        destination=site.destination,
        run_keys=run_keys,
    )
