from __future__ import annotations

from django.urls import re_path

from seqhub.operations.api import views

app_name = "operations-api"
urlpatterns = [re_path(r"^events/?$", views.EventList.as_view(), name="events")]
