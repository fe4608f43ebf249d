"""`/api/runs/{id}/reports`: what a run made for people to read."""

from __future__ import annotations

from contextlib import closing
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.lib.turns import Turn
from seqhub.operations.api.openapi import errors
from turret.api.runs import VIEW
from turret.panels.reports import Line, find_reports, lines_of
from turret.selectors import find_workflow


class ReportSerializer(serializers.Serializer[Line]):
    """A file that can be read on the server's host."""

    name = serializers.CharField(source="report.name")
    path = serializers.CharField(source="report.path")
    display = serializers.CharField(
        source="report.display", help_text="What its pipeline calls it, or its name."
    )
    size_bytes = serializers.IntegerField(source="report.size_bytes")
    mime_type = serializers.CharField(source="report.mime_type")
    modified_at = serializers.DateTimeField(
        source="report.modified_at", allow_null=True
    )
    url = serializers.SerializerMethodField(help_text="Its page in the console.")

    def get_url(self, line: Line) -> str:
        request: Request = self.context["request"]
        return request.build_absolute_uri(line.link)


class ReportListSerializer(serializers.Serializer[dict[str, Any]]):
    count = serializers.IntegerField()
    results = ReportSerializer(many=True)
    why_none = serializers.CharField(
        allow_blank=True, help_text="Why there is none, in a sentence."
    )
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What could not be read."
    )


class RunReports(APIView):
    """Reports of a run: those that Nextflow lists, and those like `report_globs`.

    The disks are read at each call, for some seconds at the most; few calls at once,
    the next is answered 503.
    """

    model_permissions: ClassVar = VIEW

    @extend_schema(
        operation_id="run_reports",
        responses={200: ReportListSerializer, **errors(404, 503)},
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        workflow = find_workflow(workflow_id)
        with closing(Turn(request)):
            found = find_reports(workflow)
        lines = lines_of(workflow, found.reports)
        body = {
            "count": len(lines),
            "results": lines,
            "why_none": found.why_none,
            "notes": found.notes,
        }
        return Response(ReportListSerializer(body, context={"request": request}).data)
