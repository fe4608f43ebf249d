"""Paths that answer whatever name they are called by."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# A balancer or a process supervisor calls an address, not a name of ours.
PATHS = frozenset({"/healthz", "/readyz"})


class AnyHost:
    """Takes the Host header away on PATHS, before Django refuses an unknown one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PATHS:
            # One of ALLOWED_HOSTS in every configuration.
            request.META["HTTP_HOST"] = "localhost"
        return self.get_response(request)
