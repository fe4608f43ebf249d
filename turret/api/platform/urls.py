"""The calls of `tw`: below `/api`, and at `/` as the trace is, for whoever gave `tw`
the address that Nextflow has."""

from __future__ import annotations

from django.urls import path

from turret.api.platform import files, views

urlpatterns = [
    path("workflow", views.Workflows.as_view()),
    path("workflow/<str:workflow_id>", views.WorkflowDetail.as_view()),
    path("workflow/<str:workflow_id>/progress", views.Progress.as_view()),
    path("workflow/<str:workflow_id>/cancel", views.Cancel.as_view()),
    path("workflow/<str:workflow_id>/launch", views.Launch.as_view()),
    path("workflow/<str:workflow_id>/metrics", views.Metrics.as_view()),
    path("workflow/<str:workflow_id>/tasks", views.Tasks.as_view()),
    path("workflow/<str:workflow_id>/task/<int:task_id>", views.TaskDetail.as_view()),
    path("workflow/<str:workflow_id>/log", files.Log.as_view()),
    path("workflow/<str:workflow_id>/download", files.Download.as_view()),
    path(
        "workflow/<str:workflow_id>/download/<int:task_id>",
        files.TaskDownload.as_view(),
    ),
    path("user/<int:user_id>/workspaces", views.Workspaces.as_view()),
]
