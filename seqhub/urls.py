"""Every door of the web server."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from seqhub import health
from seqhub.metrics import Metrics

# Some processes begin without the admin's pages (settings).
admin.autodiscover()

# What people type first. No client of an interface is ever redirected.
_console = RedirectView.as_view(pattern_name="admin:index")
# What clients of Seqera Platform print for people: where a run can be watched.
_watched = RedirectView.as_view(pattern_name="admin:turret_workflow_by_id")
_WATCH = r"^(?:user/[^/]+|orgs/[^/]+/workspaces/[^/]+)/watch/(?P<workflow_id>[^/]+)/?$"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", _console),
    path("admin", _console),
    path("admin/", include("seqhub.console.urls")),
    path("admin/", admin.site.urls),
    re_path(_WATCH, _watched),
    path("", include("runfolders.api.arteria_urls")),
    path("api/", include("runfolders.api.urls")),
    path("api/", include("archiving.api.urls")),
    path("api/", include("turret.api.urls")),
    path("", include("turret.api.platform.urls")),
    path("api/", include("seqhub.operations.api.urls")),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^docs/?$", SpectacularSwaggerSplitView.as_view(), name="docs"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", Metrics.as_view()),
]

handler400 = "seqhub.error_pages.bad_request"
handler403 = "seqhub.error_pages.forbidden"
handler404 = "seqhub.error_pages.not_found"
handler500 = "seqhub.error_pages.server_error"
