"""`/api/archives`: the list, one archive, its attempts and verifications."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from archiving.api import serializers
from archiving.api.filters import ArchiveFilter
from archiving.api.requests import RunSerializer
from archiving.api.rows import archive_at, listed_archives
from archiving.models import ArchiveAttempt, ArchiveJob, Verification
from archiving.selectors import one_job
from archiving.services.requests import request_archive, request_archive_of
from seqhub.operations.api.authentication import actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope

PERMISSIONS = {
    Scope.READ: "archiving.view_archivejob",
    Scope.WRITE: "archiving.seal_archivejob",
}


def answer(request: Request, job: ArchiveJob, status: int = 200) -> Response:
    context = {"request": request}
    body = serializers.ArchiveDetailSerializer(job, context=context).data
    return Response(body, status)


class ArchiveList(ListAPIView[ArchiveJob]):
    """Archives of all hosts, newest first."""

    serializer_class = serializers.ArchiveSerializer
    filterset_class = ArchiveFilter
    model_permissions: ClassVar = PERMISSIONS

    def get_queryset(self) -> QuerySet[ArchiveJob]:
        return listed_archives()

    @extend_schema(
        request=RunSerializer,
        responses={
            200: serializers.ArchiveDetailSerializer,
            201: serializers.ArchiveDetailSerializer,
            **errors(400, 404, 409),
        },
    )
    def post(self, request: Request) -> Response:
        """Have a run sealed; 200 if that was asked for before, and nothing changes.

        A path must be that of a known run folder, or lie in
        `<archiving.sequencing_path>/<sequencer>`.
        """
        sent = RunSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        actor = actor_of(request)
        if "runfolder" in sent.validated_data:
            job, is_new = request_archive_of(
                sent.validated_data["runfolder"], actor=actor
            )
        else:
            job, is_new = request_archive(sent.validated_data["run"], actor=actor)
        return answer(request, job, 201 if is_new else 200)


class ArchiveDetail(APIView):
    """One archive, also one that is ignored."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="archive",
        responses={200: serializers.ArchiveDetailSerializer, **errors(404)},
    )
    def get(self, request: Request, pk: int) -> Response:
        return answer(request, archive_at(pk))


class ArchiveOfRun(APIView):
    """The archive of a run, as CouchDB had it under the run's name.

    Named like the run, by `sequencer/run`, or by its path; 409 if several are.
    """

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="archive_of_run",
        responses={200: serializers.ArchiveDetailSerializer, **errors(404, 409)},
    )
    def get(self, request: Request, run: str) -> Response:
        return answer(request, one_job(run.replace("\0", "")))


class AttemptList(ListAPIView[ArchiveAttempt]):
    """Every try at sealing a run, the last one first."""

    serializer_class = serializers.LoggedAttemptSerializer
    model_permissions: ClassVar = {Scope.READ: "archiving.view_archiveattempt"}
    queryset = ArchiveAttempt.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[ArchiveAttempt]:
        return archive_at(self.kwargs["pk"]).attempts.all()


class VerificationList(ListAPIView[Verification]):
    """Every look at an archive, the last one first."""

    serializer_class = serializers.VerificationSerializer
    model_permissions: ClassVar = {Scope.READ: "archiving.view_verification"}
    queryset = Verification.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[Verification]:
        return archive_at(self.kwargs["pk"]).verifications.all()
