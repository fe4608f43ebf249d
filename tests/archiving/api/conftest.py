from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings
from rest_framework.test import APIClient

from archiving.engine.manifest import Header, ManifestWriter
from archiving.engine.members import Member
from archiving.models import ArchiveJob
from archiving.services.policy import current_policy
from seqhub.operations.services.roles import sync_roles
from tests.clients import client_with, make_user

ClientOf = Callable[..., APIClient]
WriteManifest = Callable[[ArchiveJob, Iterable[Member]], Path]


@pytest.fixture
def client(db: None) -> APIClient:
    """May read and write, with a token."""
    return client_with("read", "write")


@pytest.fixture
def client_of(db: None) -> ClientOf:
    """A client with the token of somebody in a role."""
    sync_roles()

    def make(role: str, *scopes: str) -> APIClient:
        user = make_user()
        user.groups.add(Group.objects.get(name=role))
        return client_with(*(scopes or ("read", "write")), user=user)

    return make


@pytest.fixture
def configure(settings: Settings) -> Callable[..., None]:
    """Changes the configuration's section of archives."""

    def change(**values: object) -> None:
        section = settings.CONFIG.archiving.model_copy(update=values)
        config = settings.CONFIG.model_copy(update={"archiving": section})
        settings.CONFIG = config

    return change


@pytest.fixture
def sealing(tmp_path: Path, configure: Callable[..., None]) -> Path:
    """Sealing is on; the directory in which `<sequencer>/<run>` arrive."""
    for name in ("arrived", "archives", "keys", "restored"):
        (tmp_path / name).mkdir()
    configure(
        sequencing_path=tmp_path / "arrived",
        destination_path=tmp_path / "archives",
        run_keys_path=tmp_path / "keys",
        restore_roots=[tmp_path / "restored"],
        gpg_receivers=["core@example.org"],
    )
    return tmp_path / "arrived"


@pytest.fixture
def write_manifest(tmp_path: Path, settings: Settings) -> WriteManifest:
    """Puts an archive's readable manifest where this host keeps it."""
    settings.CONFIG = settings.CONFIG.model_copy(update={"data_dir": tmp_path / "var"})

    def write(job: ArchiveJob, members: Iterable[Member]) -> Path:
        directory = current_policy().manifests_dir
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{job.pk}.manifest"
        header = Header(job.run_name, datetime(2026, 1, 31, tzinfo=UTC), (), "tar 1")
        with path.open("wb") as file:
            writer = ManifestWriter(file, header)
            for member in members:
                writer.member(member)
            writer.close()
        return path

    return write
