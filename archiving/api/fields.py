"""What the answers about archives have in common."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from archiving.models import ArchiveJob, Restore, Verification
from archiving.selectors import progress_of
from seqhub.operations.api.fields import RowSerializer


class TroubleSerializer(serializers.Serializer[Any]):
    """Why something failed, or what it waits for."""

    code = serializers.CharField()
    message = serializers.CharField()
    next_step = serializers.CharField()


class ProgressSerializer(serializers.Serializer[Any]):
    """How far running work has come."""

    stage = serializers.CharField()
    bytes_done = serializers.IntegerField()
    bytes_total = serializers.IntegerField(allow_null=True)
    files_done = serializers.IntegerField()
    files_total = serializers.IntegerField(allow_null=True)
    rate_bytes_s = serializers.FloatField(allow_null=True)
    eta_s = serializers.FloatField(allow_null=True)


class WorkSerializer(RowSerializer):
    """A row of long work: `progress` while somebody works on it."""

    progress = serializers.SerializerMethodField()

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, row: ArchiveJob | Verification | Restore) -> Any:
        if not row.worker_id:
            return None
        view = progress_of(row)
        derived = {"percent": view.percent, "eta_s": view.eta_s}
        return {**ProgressSerializer(row).data, **derived}


class FailingSerializer(WorkSerializer):
    """Long work that may fail or wait for something."""

    error = serializers.SerializerMethodField()

    @extend_schema_field(TroubleSerializer(allow_null=True))
    def get_error(self, row: ArchiveJob | Restore) -> Any:
        return TroubleSerializer(row).data if row.code else None
