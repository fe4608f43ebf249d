"""`/api/restores`: getting runs, or some of their files, back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from archiving.api.fields import FailingSerializer
from archiving.api.filters import RestoreFilter
from archiving.api.requests import ReasonSerializer
from archiving.api.serializers import ArchiveNameSerializer
from archiving.models import Restore
from archiving.services import restores
from seqhub.operations.api.authentication import actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope

MAX_FILES = 10_000
PERMISSIONS = {
    Scope.READ: "archiving.view_restore",
    Scope.WRITE: "archiving.restore_archivejob",
}


class RestoreSerializer(FailingSerializer):
    """A restore in a list."""

    url = serializers.HyperlinkedIdentityField(view_name="archiving-api:restore")
    archive = ArchiveNameSerializer(source="job", read_only=True)

    class Meta:
        model = Restore
        fields: ClassVar = [
            "id",
            "url",
            "archive",
            "host",
            "target",
            "state",
            "state_since",
            "requested_by",
            "requested_at",
            "reason",
            "started_at",
            "ended_at",
            "expires_at",
            "files_checked",
            "failure_count",
            "not_before",
            "cancel_requested_at",
            "worker_id",
            "error",
            "progress",
        ]


class RestoreDetailSerializer(RestoreSerializer):
    """One restore, with the files that were asked for; none means all."""

    files = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta(RestoreSerializer.Meta):
        fields: ClassVar = [*RestoreSerializer.Meta.fields, "files"]


class RestoreRequestSerializer(serializers.Serializer[dict[str, Any]]):
    """What is wanted back, and where."""

    archive = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    target = serializers.CharField(
        max_length=4096,
        help_text="A directory below archiving.restore_roots, in which the run "
        "folder appears.",
    )
    files = serializers.ListField(
        child=serializers.CharField(max_length=4096, trim_whitespace=False),
        default=list,
        max_length=MAX_FILES,
        help_text="Names as in the manifest, a directory for all below it; none "
        "means the whole run.",
    )
    reason = serializers.CharField(default="", allow_blank=True, max_length=1000)


def listed_restores() -> QuerySet[Restore]:
    return Restore.objects.select_related("job").defer(
        "job__raw_path", "job__wrapped_key", "job__publishing"
    )


def answer(request: Request, restore: Restore, status: int = 200) -> Response:
    context = {"request": request}
    return Response(RestoreDetailSerializer(restore, context=context).data, status)


class RestoreList(ListAPIView[Restore]):
    """Restores of all hosts, newest first."""

    serializer_class = RestoreSerializer
    filterset_class = RestoreFilter
    model_permissions: ClassVar = PERMISSIONS

    def get_queryset(self) -> QuerySet[Restore]:
        # Ten thousand names each are for one answer, not for a page of them.
        return listed_restores().defer("files")

    @extend_schema(
        request=RestoreRequestSerializer,
        responses={201: RestoreDetailSerializer, **errors(400, 404, 409)},
    )
    def post(self, request: Request) -> Response:
        """Restore a run, or some of its files, below a directory for restores."""
        wanted = RestoreRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        restore = restores.request_restore(
            wanted.validated_data["archive"],
            target=wanted.validated_data["target"],
            files=wanted.validated_data["files"],
            actor=actor_of(request),
            reason=wanted.validated_data["reason"],
        )
        return answer(request, restore, 201)


class RestoreDetail(RetrieveAPIView[Restore]):
    """One restore."""

    serializer_class = RestoreDetailSerializer
    model_permissions: ClassVar = PERMISSIONS

    def get_queryset(self) -> QuerySet[Restore]:
        return listed_restores()


class RestoreAction(APIView):
    """What the subclasses say, done to one restore."""

    change: ClassVar[Callable[..., object]]
    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        request=ReasonSerializer,
        responses={200: RestoreDetailSerializer, **errors(400, 404, 409)},
    )
    def post(self, request: Request, pk: int) -> Response:
        sent = ReasonSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        self.change(pk, actor=actor_of(request), **sent.validated_data)
        return answer(request, listed_restores().get(pk=pk))


class CancelRestore(RestoreAction):
    """Give it up; what is half restored is removed."""

    change = staticmethod(restores.cancel_restore)


class RetryRestore(RestoreAction):
    """Try again now what failed, was cancelled, or waits."""

    change = staticmethod(restores.retry_restore)


class ExtendRestore(RestoreAction):
    """Keep the restored files longer."""

    change = staticmethod(restores.extend_restore)


class ExpireRestore(RestoreAction):
    """Have the restored files removed soon."""

    change = staticmethod(restores.expire_restore)
