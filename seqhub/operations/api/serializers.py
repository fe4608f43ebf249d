"""Events as JSON."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from seqhub.operations.models import Event


class EventSerializer(serializers.ModelSerializer[Event]):
    """Something that happened; `runfolder_ref` may outlive its run folder."""

    class Meta:
        model = Event
        fields: ClassVar = [
            "id",
            "at",
            "subject",
            "runfolder_ref",
            "runfolder_name",
            "source",
            "kind",
            "actor",
            "message",
            "data",
        ]
