"""The part of `/api` that is about runs of Nextflow; lists accept a trailing slash.

The trace itself is answered in front of Django: turret.api.trace.
"""

from __future__ import annotations

from django.urls import include, path, re_path

from turret.api import reports, runs, tasks

# One segment: ids that were imported may hold anything else.
_RUN = r"^runs/(?P<workflow_id>[^/]+)"

app_name = "turret-api"
urlpatterns = [
    re_path(r"^runs/?$", runs.RunList.as_view(), name="runs"),
    path("runs/<str:workflow_id>", runs.RunDetail.as_view(), name="run"),
    path("runs/<str:workflow_id>/config", runs.RunConfig.as_view()),
    path("runs/<str:workflow_id>/metrics", runs.RunMetrics.as_view()),
    path("runs/<str:workflow_id>/dag", runs.RunDag.as_view()),
    re_path(rf"{_RUN}/processes/?$", runs.ProcessList.as_view()),
    re_path(rf"{_RUN}/events/?$", runs.RunEvents.as_view()),
    re_path(rf"{_RUN}/reports/?$", reports.RunReports.as_view()),
    re_path(rf"{_RUN}/tasks/?$", tasks.TaskList.as_view(), name="tasks"),
    path("runs/<str:workflow_id>/tasks/<int:task_id>", tasks.TaskDetail.as_view()),
    path("", include("turret.api.platform.urls")),
]
