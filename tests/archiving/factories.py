"""Rows of archives for tests: as services would have written them, nothing on disk."""

from __future__ import annotations

import factory
from django.utils import timezone

from archiving.choices import Status, Verified
from archiving.models import (
    ArchiveAttempt,
    ArchiveCopy,
    ArchiveJob,
    Recipient,
    Restore,
    Verification,
)
from tests.factories import HOST


class ArchiveJobFactory(factory.django.DjangoModelFactory[ArchiveJob]):
    """One that waits; `sealed=True` for an archive that was made and verified."""

    class Meta:
        model = ArchiveJob

    class Params:
        sealed = factory.Trait(
            status=Status.ENCRYPTED,
            verification=Verified.VERIFIED,
            verified_at=factory.LazyFunction(timezone.now),
            sealed_at=factory.LazyFunction(timezone.now),
            sealed_attempt=1,
            attempt=1,
            archive_bytes=1_234,
            archive_sha256="a" * 64,
            wrapped_key=b"\x85wrapped",
            key_sha256="b" * 64,
            manifest_sha256="c" * 64,
            sealed_manifest_sha256="d" * 64,
            manifest_host=HOST,
            source_bytes=1_000,
            source_files=3,
        )

    host = HOST
    run_name = factory.Sequence(lambda n: f"240131_A00834_{n:04}_AHMTFYDRXX")
    sequencer = "A00834"
    path = factory.LazyAttribute(lambda row: f"/data/seq/{row.run_name}")
    name = factory.SelfAttribute("run_name")
    destination = "/data/archive"
    run_keys = "/data/keys"
    status_since = factory.LazyFunction(timezone.now)
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.LazyFunction(timezone.now)


class AttemptFactory(factory.django.DjangoModelFactory[ArchiveAttempt]):
    class Meta:
        model = ArchiveAttempt

    job = factory.SubFactory(ArchiveJobFactory)
    number = factory.Sequence(lambda n: n + 1)
    worker_id = "testhost:1:abcd"
    host = HOST
    started_at = factory.LazyFunction(timezone.now)


class VerificationFactory(factory.django.DjangoModelFactory[Verification]):
    class Meta:
        model = Verification

    job = factory.SubFactory(ArchiveJobFactory, sealed=True)
    requested_at = factory.LazyFunction(timezone.now)


class RestoreFactory(factory.django.DjangoModelFactory[Restore]):
    class Meta:
        model = Restore

    job = factory.SubFactory(ArchiveJobFactory, sealed=True)
    host = HOST
    target = "/data/restored"
    state_since = factory.LazyFunction(timezone.now)
    requested_by = "anna"
    requested_at = factory.LazyFunction(timezone.now)


class CopyFactory(factory.django.DjangoModelFactory[ArchiveCopy]):
    class Meta:
        model = ArchiveCopy

    job = factory.SubFactory(ArchiveJobFactory, sealed=True)
    place = factory.Sequence(lambda n: f"tape{n}")
    state_since = factory.LazyFunction(timezone.now)


class RecipientFactory(factory.django.DjangoModelFactory[Recipient]):
    class Meta:
        model = Recipient

    fingerprint = factory.Sequence(lambda n: f"{n:040X}")
    user_id = "Core facility <core@example.org>"
    is_configured = True
