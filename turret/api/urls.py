"""The part of `/api` that is about runs of Nextflow and launching them; lists accept a
trailing slash.

The trace itself is answered in front of Django: turret.api.trace.
"""

from __future__ import annotations

from django.urls import include, path, re_path

from turret.api import (
    configs,
    disk,
    launch_log,
    launches,
    pipelines,
    reports,
    runs,
    saved_pipelines,
    tasks,
)

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
    re_path(r"^launches/?$", launches.LaunchList.as_view(), name="launches"),
    path("launches/<str:launch_id>", launches.LaunchDetail.as_view(), name="launch"),
    path("launches/<str:launch_id>/log", launch_log.LaunchLog.as_view()),
    path("launches/<str:launch_id>/resume", launches.Resume.as_view()),
    path("launches/<str:launch_id>/relaunch", launches.Relaunch.as_view()),
    path("pipeline/schema", pipelines.PipelineSchema.as_view()),
    path("pipeline/refs", pipelines.PipelineRefs.as_view()),
    path("pipeline/clone", pipelines.PipelineClone.as_view()),
    re_path(r"^saved-pipelines/?$", saved_pipelines.PipelineList.as_view()),
    path(
        "saved-pipelines/<int:pk>",
        saved_pipelines.PipelineDetail.as_view(),
        name="saved-pipeline",
    ),
    path("fs/roots", disk.Roots.as_view()),
    path("fs/browse", disk.Browse.as_view()),
    path("fs/upload", disk.Upload.as_view()),
    path("fs/mkdir", disk.MakeDirectory.as_view()),
    path("config", configs.Config.as_view()),
    path("config/remote", configs.RemoteConfig.as_view()),
    path("", include("turret.api.platform.urls")),
]
