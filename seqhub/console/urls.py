"""Pages of the console that belong to no model."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from seqhub.console.dashboard import dashboard_fragment
from seqhub.console.health import health_page

# Where the first word of the breadcrumbs leads: an index of an app would only name
# its lists, which the sidebar does.
_FIRST_LISTS = {
    "runfolders": "runfolder",
    "archiving": "archivejob",
    "turret": "workflow",
    "operations": "attention",
}

app_name = "console"
urlpatterns = [
    path("health/", admin.site.admin_view(health_page), name="health"),
    path(
        "dashboard/live/",
        admin.site.admin_view(dashboard_fragment),
        name="dashboard_live",
    ),
    *(
        path(
            f"{app}/",
            RedirectView.as_view(pattern_name=f"admin:{app}_{model}_changelist"),
        )
        for app, model in _FIRST_LISTS.items()
    ),
]
