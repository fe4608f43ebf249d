"""`/api/events`."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.generics import ListAPIView

from seqhub.operations.api.filters import EventFilter
from seqhub.operations.api.serializers import EventSerializer
from seqhub.operations.choices import Scope
from seqhub.operations.models import Event


class EventList(ListAPIView[Event]):
    """What happened, newest first."""

    queryset = Event.objects.all()
    serializer_class = EventSerializer
    filterset_class = EventFilter
    model_permissions: ClassVar = {Scope.READ: "operations.view_event"}
