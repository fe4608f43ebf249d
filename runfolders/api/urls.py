"""Our own part of `/api`; lists accept a trailing slash."""

from __future__ import annotations

from django.urls import path, re_path

from runfolders.api import views

app_name = "runfolders-api"
urlpatterns = [
    re_path(r"^runfolders/?$", views.RunfolderList.as_view(), name="runfolders"),
    path("runfolders/<int:pk>", views.RunfolderDetail.as_view(), name="runfolder"),
    re_path(r"^samples/?$", views.SampleList.as_view(), name="samples"),
    re_path(r"^instruments/?$", views.InstrumentList.as_view(), name="instruments"),
    re_path(r"^scans/?$", views.ScanRequest.as_view(), name="scans"),
]
