"""`/metrics` for Prometheus: django-prometheus's, and gauges of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from django.db.models import Count
from django.http import HttpResponse
from django.utils import timezone
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from rest_framework.request import Request

from runfolders.choices import RootStatus
from runfolders.models import Root
from runfolders.selectors import visible_runfolders
from seqhub.operations.api.plain_json import PlainJSONView
from seqhub.operations.choices import Scope
from seqhub.operations.models import Heartbeat
from seqhub.operations.selectors import open_attention


class Metrics(PlainJSONView):
    """Needs a token with scope `read` (Prometheus: `authorization:
    credentials_file:`), or a signed-in person.

    Loopback is not let in without: behind a reverse proxy on this host every
    caller seems to come from there.
    """

    schema = None
    model_permissions: ClassVar = {Scope.READ: "runfolders.view_runfolder"}

    def get(self, request: Request) -> HttpResponse:
        ours = CollectorRegistry()
        ours.register(Gauges())
        # Not in the library's registry, which several web processes write
        # together: these come from the database, the same from each of them.
        response: HttpResponse = ExportToDjangoView(request)
        response.content += generate_latest(ours)
        return response


class Gauges(Collector):
    """What the database says at the moment of the scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _runfolders()
        yield GaugeMetricFamily(
            "seqhub_attention",
            "Things that a person should look at.",
            value=open_attention().count(),
        )
        yield from _roots()
        yield _heartbeats()


def _runfolders() -> GaugeMetricFamily:
    labels = ["host", "sequencing", "state"]
    gauge = GaugeMetricFamily("seqhub_runfolders", "Run folders.", labels=labels)
    rows = visible_runfolders().order_by().values_list(*labels)
    for *values, count in rows.annotate(n=Count("pk")):
        gauge.add_metric(values, count)
    return gauge


def _roots() -> Iterator[GaugeMetricFamily]:
    labels = ["host", "path"]
    available = GaugeMetricFamily(
        "seqhub_root_available", "1 if the directory is there.", labels=labels
    )
    free = GaugeMetricFamily(
        "seqhub_root_free_bytes", "Free space of its file system.", labels=labels
    )
    age = GaugeMetricFamily(
        "seqhub_scan_age_seconds", "Time since its last scan ended.", labels=labels
    )
    now = timezone.now()
    for root in Root.objects.filter(is_configured=True):
        values = [root.host, root.path]
        available.add_metric(values, int(root.status == RootStatus.AVAILABLE))
        if root.free_bytes is not None:
            free.add_metric(values, root.free_bytes)
        if root.scanned_at is not None:
            age.add_metric(values, (now - root.scanned_at).total_seconds())
    yield from (available, free, age)


def _heartbeats() -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(
        "seqhub_heartbeat_age_seconds",
        "Time since the last sign of life.",
        labels=["host", "role"],
    )
    now = timezone.now()
    for beat in Heartbeat.objects.all():
        gauge.add_metric([beat.host, beat.role], (now - beat.at).total_seconds())
    return gauge
