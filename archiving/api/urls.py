"""The archive's part of `/api`; lists accept a trailing slash."""

from __future__ import annotations

from django.urls import path, re_path

from archiving.api import actions, keys, manifest, restores, views

app_name = "archiving-api"
urlpatterns = [
    re_path(r"^archives/?$", views.ArchiveList.as_view(), name="archives"),
    re_path(r"^archives/keys/?$", keys.KeyList.as_view(), name="keys"),
    path("archives/by-run/<path:run>", views.ArchiveOfRun.as_view(), name="of-run"),
    path("archives/<int:pk>", views.ArchiveDetail.as_view(), name="archive"),
    re_path(r"^archives/(?P<pk>\d+)/attempts/?$", views.AttemptList.as_view()),
    re_path(
        r"^archives/(?P<pk>\d+)/verifications/?$", views.VerificationList.as_view()
    ),
    path("archives/<int:pk>/manifest", manifest.Manifest.as_view(), name="manifest"),
    path("archives/<int:pk>/key", keys.WrappedKey.as_view(), name="key"),
    path("archives/<int:pk>/retry", actions.Retry.as_view()),
    path("archives/<int:pk>/hold", actions.Hold.as_view()),
    path("archives/<int:pk>/release", actions.Release.as_view()),
    path("archives/<int:pk>/cancel", actions.Cancel.as_view()),
    path("archives/<int:pk>/reseal", actions.Reseal.as_view()),
    path("archives/<int:pk>/ignore", actions.Ignore.as_view()),
    path("archives/<int:pk>/unignore", actions.Unignore.as_view()),
    path("archives/<int:pk>/verify", actions.Verify.as_view()),
    re_path(r"^restores/?$", restores.RestoreList.as_view(), name="restores"),
    path("restores/<int:pk>", restores.RestoreDetail.as_view(), name="restore"),
    path("restores/<int:pk>/cancel", restores.CancelRestore.as_view()),
    path("restores/<int:pk>/retry", restores.RetryRestore.as_view()),
    path("restores/<int:pk>/extend", restores.ExtendRestore.as_view()),
    path("restores/<int:pk>/expire", restores.ExpireRestore.as_view()),
]
