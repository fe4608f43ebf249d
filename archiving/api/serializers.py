"""Archives as JSON: dataflow_archive's names first, ours beside them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from archiving.api.fields import FailingSerializer, WorkSerializer
from archiving.models import (
    ArchiveAttempt,
    ArchiveCopy,
    ArchiveJob,
    Recipient,
    Verification,
)
from seqhub.operations.api.fields import RowSerializer, UtcField

# So many of its latest attempts and verifications an archive shows; its own lists
# have them all.
LATEST = 5


class SealedFileSerializer(serializers.Serializer[ArchiveJob]):
    """The finished archive."""

    path = serializers.CharField(source="archive_path")
    bytes = serializers.IntegerField(source="archive_bytes", allow_null=True)
    sha256 = serializers.CharField(source="archive_sha256")


class ArchiveSerializer(FailingSerializer):
    """An archive in a list."""

    _id = serializers.CharField(
        source="run_name", read_only=True, help_text="The run's name, as in CouchDB."
    )
    run = serializers.CharField(source="run_name", read_only=True)
    url = serializers.HyperlinkedIdentityField(view_name="archiving-api:archive")
    runfolder = serializers.IntegerField(
        source="runfolder_id",
        read_only=True,
        allow_null=True,
        help_text="Id of the run folder, as long as it is known.",
    )
    held = serializers.SerializerMethodField()
    archive = serializers.SerializerMethodField(
        help_text="The archive as it was sealed last; null until then."
    )
    key_path = serializers.CharField(
        read_only=True, help_text="Where the wrapped key lies once it is sealed."
    )

    class Meta:
        model = ArchiveJob
        fields: ClassVar = [
            "_id",
            "status",
            "path",
            "created_at",
            "updated_at",
            "worker_id",
            "failure_count",
            "id",
            "url",
            "name",
            "run",
            "sequencer",
            "host",
            "runfolder",
            "origin",
            "status_since",
            "verification",
            "verified_at",
            "held",
            "ignored_at",
            "not_before",
            "sealed_at",
            "archive",
            "key_path",
            "source_bytes",
            "source_files",
            "left_out_bytes",
            "left_out_files",
            "has_weak_key",
            "is_here",
            "error",
            "progress",
        ]

    def get_held(self, job: ArchiveJob) -> bool:
        return job.held_at is not None

    @extend_schema_field(SealedFileSerializer(allow_null=True))
    def get_archive(self, job: ArchiveJob) -> Any:
        return SealedFileSerializer(job).data if job.sealed_at else None


class AttemptSerializer(RowSerializer):
    """One try at sealing."""

    class Meta:
        model = ArchiveAttempt
        fields: ClassVar = [
            "number",
            "outcome",
            "stage",
            "code",
            "message",
            "worker_id",
            "host",
            "started_at",
            "ended_at",
            "bytes_done",
            "seal_s",
            "verify_s",
        ]


class LoggedAttemptSerializer(AttemptSerializer):
    """One try, with what its programs said; the console has a surprise's traceback."""

    class Meta(AttemptSerializer.Meta):
        fields: ClassVar = [*AttemptSerializer.Meta.fields, "log_tail"]


class FindingSerializer(serializers.Serializer[dict[str, str]]):
    fault = serializers.CharField()
    message = serializers.CharField()
    name = serializers.CharField(help_text="The file, or empty.")


class VerificationSerializer(WorkSerializer):
    """One look at an archive; of its findings the first hundred."""

    findings = FindingSerializer(many=True, read_only=True)
    checked = serializers.ListField(child=serializers.CharField(), read_only=True)
    not_checked = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Verification
        fields: ClassVar = [
            "id",
            "state",
            "depth",
            "with_source",
            "is_deep",
            "requested_by",
            "requested_at",
            "started_at",
            "ended_at",
            "message",
            "findings_count",
            "findings",
            "checked",
            "not_checked",
            "progress",
        ]


class CopySerializer(RowSerializer):
    class Meta:
        model = ArchiveCopy
        fields: ClassVar = [
            "place",
            "reference",
            "state",
            "state_since",
            "message",
            "stored_at",
            "verified_at",
        ]


class RecipientNameSerializer(RowSerializer):
    class Meta:
        model = Recipient
        fields: ClassVar = [
            "fingerprint",
            "user_id",
            "is_configured",
            "has_secret_key",
            "problem",
        ]


class ArchiveHoldSerializer(serializers.Serializer[ArchiveJob]):
    reason = serializers.CharField(source="held_reason")
    held_by = serializers.CharField()
    held_at = UtcField()


class ArchiveDetailSerializer(ArchiveSerializer):
    """One archive, with its latest attempts and verifications."""

    hold = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()
    verifications = serializers.SerializerMethodField()
    recipients = RecipientNameSerializer(
        many=True, read_only=True, help_text="Who can open it."
    )
    copies = CopySerializer(many=True, read_only=True)

    class Meta(ArchiveSerializer.Meta):
        fields: ClassVar = [
            *ArchiveSerializer.Meta.fields,
            "sealed_attempt",
            "key_sha256",
            "manifest_sha256",
            "sealed_manifest_sha256",
            "manifest_host",
            "cancel_requested_at",
            "hold",
            "attempts",
            "verifications",
            "recipients",
            "copies",
        ]

    @extend_schema_field(ArchiveHoldSerializer(allow_null=True))
    def get_hold(self, job: ArchiveJob) -> Any:
        return ArchiveHoldSerializer(job).data if job.held_at else None

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, job: ArchiveJob) -> Any:
        """The latest ones; `attempts` below the archive has them all, with logs."""
        return AttemptSerializer(job.attempts.all()[:LATEST], many=True).data

    @extend_schema_field(VerificationSerializer(many=True))
    def get_verifications(self, job: ArchiveJob) -> Any:
        """The latest ones; `verifications` below the archive has them all."""
        latest = job.verifications.all()[:LATEST]
        return VerificationSerializer(latest, many=True).data


class ArchiveNameSerializer(RowSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="archiving-api:archive")
    run = serializers.CharField(source="run_name", read_only=True)

    class Meta:
        model = ArchiveJob
        fields: ClassVar = ["id", "url", "name", "run", "status", "verification"]
