"""Run folders, samples and instruments as JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from runfolders.models import Hold, Instrument, Note, Runfolder, Sample
from runfolders.selectors import open_holds
from seqhub.operations.api.serializers import EventSerializer
from seqhub.operations.selectors import events_of_runfolder

# So many of its latest events a run folder shows; `/api/events` has them all.
LATEST_EVENTS = 20


class InstrumentSerializer(serializers.ModelSerializer[Instrument]):
    runfolder_count = serializers.IntegerField(read_only=True)
    last_seen_at = serializers.DateTimeField(
        read_only=True, help_text="When its newest run folder was first seen."
    )

    class Meta:
        model = Instrument
        fields: ClassVar = [
            "id",
            "serial",
            "name",
            "model",
            "platform",
            "runfolder_count",
            "last_seen_at",
        ]


class InstrumentNameSerializer(serializers.ModelSerializer[Instrument]):
    class Meta:
        model = Instrument
        fields: ClassVar = ["id", "serial", "name", "model"]


class RunfolderSerializer(serializers.ModelSerializer[Runfolder]):
    """A run folder in a list."""

    url = serializers.HyperlinkedIdentityField(view_name="runfolders-api:runfolder")
    instrument = InstrumentNameSerializer(read_only=True, allow_null=True)
    read_structure = serializers.CharField(
        read_only=True, help_text="Cycles a read, as in 151-8-8-151."
    )
    is_held = serializers.BooleanField(read_only=True)
    sample_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Runfolder
        fields: ClassVar = [
            "id",
            "url",
            "host",
            "path",
            "name",
            "is_present",
            "platform",
            "instrument",
            "run_id",
            "run_number",
            "flow_cell",
            "side",
            "experiment_name",
            "project",
            "started_at",
            "first_seen_at",
            "completed_at",
            "vanished_at",
            "sequencing",
            "sequencing_since",
            "sequencing_reason",
            "is_overridden",
            "outcome",
            "stalled_at",
            "state",
            "state_since",
            "is_held",
            "read_structure",
            "lanes",
            "cycles_done",
            "total_cycles",
            "sample_count",
            "size_bytes",
        ]


class RunfolderSampleSerializer(serializers.ModelSerializer[Sample]):
    """A sample of a run folder that is at hand."""

    class Meta:
        model = Sample
        fields: ClassVar = [
            "id",
            "sample_id",
            "name",
            "project",
            "lane",
            "index",
            "index2",
            "line",
        ]


class HoldSerializer(serializers.ModelSerializer[Hold]):
    class Meta:
        model = Hold
        fields: ClassVar = ["reason", "held_by", "held_at"]


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields: ClassVar = ["text", "author", "at"]


class RunfolderDetailSerializer(RunfolderSerializer):
    """One run folder, with its samples, notes and latest events."""

    samples = RunfolderSampleSerializer(many=True, read_only=True)
    notes = NoteSerializer(many=True, read_only=True)
    hold = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()

    class Meta(RunfolderSerializer.Meta):
        fields: ClassVar = [
            *RunfolderSerializer.Meta.fields,
            "reads",
            "date_raw",
            "reagent_kit",
            "reagent_kit_barcode",
            "library_tube",
            "chemistry",
            "flow_cell_mode",
            "software",
            "rta_version",
            "operator",
            "extra",
            "problems",
            "sheet_name",
            "sheet_dialect",
            "sheet_problems",
            "sequencing_on_disk",
            "outcome_message",
            "progress_at",
            "markers",
            "due_at",
            "size_measured_at",
            "hold",
            "notes",
            "samples",
            "events",
        ]

    @extend_schema_field(HoldSerializer(allow_null=True))
    def get_hold(self, runfolder: Runfolder) -> Any:
        hold = open_holds().filter(runfolder=runfolder).first()
        return HoldSerializer(hold).data if hold else None

    @extend_schema_field(EventSerializer(many=True))
    def get_events(self, runfolder: Runfolder) -> Any:
        """The latest ones; `/api/events?runfolder=` has them all."""
        events = events_of_runfolder(runfolder.pk)[:LATEST_EVENTS]
        return EventSerializer(events, many=True).data


class RunfolderNameSerializer(serializers.ModelSerializer[Runfolder]):
    url = serializers.HyperlinkedIdentityField(view_name="runfolders-api:runfolder")

    class Meta:
        model = Runfolder
        fields: ClassVar = [
            "id",
            "url",
            "name",
            "host",
            "path",
            "is_present",
            "sequencing",
            "state",
        ]


class SampleSerializer(RunfolderSampleSerializer):
    """A sample and the run folder that holds it."""

    runfolder = RunfolderNameSerializer(read_only=True)

    class Meta(RunfolderSampleSerializer.Meta):
        fields: ClassVar = [*RunfolderSampleSerializer.Meta.fields, "runfolder"]


class ScanSerializer(serializers.Serializer[dict[str, str]]):
    host = serializers.CharField()
    message = serializers.CharField()


class ArteriaSerializer(serializers.Serializer[dict[str, Any]]):
    """What `/api/1.0` says of a run folder; only the OpenAPI document uses it."""

    host = serializers.CharField()
    path = serializers.CharField()
    state = serializers.CharField()
    service_version = serializers.CharField()
    metadata = serializers.DictField(child=serializers.CharField())
    link = serializers.URLField()


class ArteriaListSerializer(serializers.Serializer[dict[str, Any]]):
    runfolders = ArteriaSerializer(many=True)
