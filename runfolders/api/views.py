"""`/api/runfolders`, `/api/samples`, `/api/instruments`, `/api/scans`."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from runfolders.api import filters, serializers
from runfolders.models import Instrument, Runfolder, Sample
from runfolders.selectors import visible_runfolders, with_hold
from runfolders.services.scan import request_scan
from seqhub.operations.api.authentication import actor_of
from seqhub.operations.choices import Scope


def _runfolders() -> QuerySet[Runfolder]:
    samples = Sample.objects.filter(runfolder=OuterRef("pk")).order_by()
    count = samples.values("runfolder").annotate(n=Count("pk")).values("n")
    rows: QuerySet[Runfolder] = with_hold(visible_runfolders()).annotate(
        sample_count=Coalesce(Subquery(count), 0)
    )
    return rows.select_related("instrument")


class RunfolderList(ListAPIView[Runfolder]):
    """Run folders of all hosts, newest first."""

    serializer_class = serializers.RunfolderSerializer
    filterset_class = filters.RunfolderFilter
    model_permissions: ClassVar = {Scope.READ: "runfolders.view_runfolder"}

    def get_queryset(self) -> QuerySet[Runfolder]:
        return _runfolders()


class RunfolderDetail(RetrieveAPIView[Runfolder]):
    """One run folder, with its samples, notes and latest events."""

    serializer_class = serializers.RunfolderDetailSerializer
    model_permissions: ClassVar = {Scope.READ: "runfolders.view_runfolder"}

    def get_queryset(self) -> QuerySet[Runfolder]:
        return _runfolders().prefetch_related("samples", "notes")


class SampleList(ListAPIView[Sample]):
    """Which run folder holds a sample? Newest run folders first."""

    serializer_class = serializers.SampleSerializer
    filterset_class = filters.SampleFilter
    model_permissions: ClassVar = {Scope.READ: "runfolders.view_sample"}

    def get_queryset(self) -> QuerySet[Sample]:
        return (
            Sample.objects.filter(runfolder__in=visible_runfolders())
            .select_related("runfolder")
            .order_by("-runfolder_id", "line", "id")
        )


class InstrumentList(ListAPIView[Instrument]):
    """Sequencers; each appears with its first run folder."""

    serializer_class = serializers.InstrumentSerializer
    filterset_class = filters.InstrumentFilter
    model_permissions: ClassVar = {Scope.READ: "runfolders.view_instrument"}

    def get_queryset(self) -> QuerySet[Instrument]:
        visible = Q(runfolders__in=visible_runfolders())
        return Instrument.objects.annotate(
            runfolder_count=Count("runfolders", filter=visible),
            last_seen_at=Max("runfolders__first_seen_at", filter=visible),
        )


class ScanRequest(APIView):
    """Look at the disks of this host now, not at the next tick."""

    model_permissions: ClassVar = {Scope.WRITE: "runfolders.change_root"}

    @extend_schema(request=None, responses={202: serializers.ScanSerializer})
    def post(self, request: Request) -> Response:
        host = settings.CONFIG.host
        request_scan(host, actor=actor_of(request))
        body = {"host": host, "message": f"A scan of {host} will start at once."}
        return Response(body, status=202)
