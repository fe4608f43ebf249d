"""Tags for the console's templates; what they say is in seqhub.lib."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from seqhub.lib import markup, units

register = template.Library()

register.filter("chip", markup.chip)
register.filter("icon", markup.icon)
register.filter("since", markup.since)
register.filter("absolute", markup.absolute)
register.filter("path", markup.broken)
register.filter("duration", units.format_duration)
register.simple_tag(markup.copyable, name="copyable")
register.simple_tag(markup.bar, name="bar")


@register.filter("bytes")
def size(value: int | None) -> str:
    """A size in binary units; a dash where it is not known."""
    return "–" if value is None else units.format_bytes(value)


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """This page's query string with `changes`; an empty value drops its key."""
    request: HttpRequest = context["request"]
    parameters = request.GET.copy()
    for key, value in changes.items():
        if value in ("", None):
            parameters.pop(key, None)
        else:
            parameters[key] = str(value)
    return f"?{parameters.urlencode()}"
