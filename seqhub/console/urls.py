"""Pages of the console that belong to no model."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from seqhub.console.dashboard import dashboard_fragment
from seqhub.console.health import health_page

app_name = "console"
urlpatterns = [
    path("health/", admin.site.admin_view(health_page), name="health"),
    path(
        "dashboard/live/",
        admin.site.admin_view(dashboard_fragment),
        name="dashboard_live",
    ),
]
