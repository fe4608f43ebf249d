"""`/api/archives/keys`: who can open what; and an archive's own wrapped key."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from archiving.api.filters import RecipientFilter
from archiving.api.rows import archive_at
from archiving.models import Recipient
from seqhub.operations.api.fields import RowSerializer
from seqhub.operations.api.openapi import errors
from seqhub.operations.api.plain_json import AlwaysFirst
from seqhub.operations.choices import Scope
from seqhub.operations.errors import NotFound

# RFC 3156.
MEDIA_TYPE = "application/pgp-encrypted"


class RecipientSerializer(RowSerializer):
    """Somebody who can open archives; `/api/archives?recipient=` lists them."""

    archive_count = serializers.IntegerField(
        read_only=True, help_text="Archives that this key opens."
    )

    class Meta:
        model = Recipient
        fields: ClassVar = [
            "fingerprint",
            "identifier",
            "user_id",
            "algorithm",
            "is_configured",
            "has_secret_key",
            "key_created_at",
            "key_expires_at",
            "problem",
            "message",
            "next_step",
            "checked_at",
            "archive_count",
        ]


class KeyList(ListAPIView[Recipient]):
    """Keys to which archives are sealed, as the last check found them."""

    serializer_class = RecipientSerializer
    filterset_class = RecipientFilter
    model_permissions: ClassVar = {Scope.READ: "archiving.view_recipient"}

    def get_queryset(self) -> QuerySet[Recipient]:
        rows = Recipient.objects.annotate(archive_count=Count("jobs"))
        # A grouped query forgets the model's own order.
        return rows.order_by("-is_configured", "user_id", "fingerprint")


class WrappedKey(APIView):
    """An archive's key, encrypted to its recipients: what `key_path` holds."""

    # Whatever Accept says, there is one answer.
    content_negotiation_class = AlwaysFirst
    # It is the first half of getting the data back.
    model_permissions: ClassVar = {Scope.READ: "archiving.restore_archivejob"}

    @extend_schema(
        operation_id="archive_key",
        responses={(200, MEDIA_TYPE): OpenApiTypes.BINARY, **errors(404)},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        job = archive_at(pk)
        if job.wrapped_key is None:
            raise NotFound(f"No key of {job.name} is kept here.")
        return HttpResponse(
            bytes(job.wrapped_key),
            content_type=MEDIA_TYPE,
            headers={
                "Content-Disposition": content_disposition_header(
                    True, f"{job.name}.key.gpg"
                )
            },
        )
