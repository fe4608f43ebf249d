"""The Content-Security-Policy of each part of the site."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

STRICT = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# Unfold's Alpine evaluates expressions and sets styles on elements.
CONSOLE = f"{STRICT}; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
# Swagger UI and the browsable API set styles on elements.
DOCS = f"{STRICT}; style-src 'self' 'unsafe-inline'"


class ContentSecurityPolicy:
    """Adds the policy that fits the path, unless the view set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Content-Security-Policy" not in response.headers:
            policy = STRICT
            if request.path.startswith("/admin/"):
                policy = CONSOLE
            elif request.path.startswith(("/docs", "/api")):
                policy = DOCS
            response.headers["Content-Security-Policy"] = policy
        return response
