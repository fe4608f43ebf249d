"""Asking before something changes: a dialog, or a page without JavaScript.

GET shows what will happen, POST does it through a service. What a service
refuses is shown in the dialog, and nothing has changed then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.widgets import UnfoldAdminTextareaWidget

from seqhub.operations.choices import Source
from seqhub.operations.errors import DomainError
from seqhub.operations.services.events import Actor


class ReasonForm(forms.Form):
    """Why? Kept with the event."""

    reason = forms.CharField(
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the history.",
    )


class OptionalReasonForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


@dataclass(frozen=True, slots=True)
class Question:
    """What the dialog says."""

    title: str
    explains: str  # what will happen
    button: str
    # Called with the answers, or with None for an empty form.
    form_class: Callable[[Any], forms.Form] = ReasonForm
    is_dangerous: bool = False


def actor_of(request: HttpRequest) -> Actor:
    """The person at the console, for the audit."""
    return Actor(Source.CONSOLE, request.user.get_username())


def ask(
    request: HttpRequest,
    question: Question,
    act: Callable[[dict[str, Any]], str | None],
    *,
    back: str,
    done_at: str | Callable[[], str] | None = None,
) -> HttpResponse:
    """Show the dialog, or do it: `act(cleaned data)` returns what to say.

    `back`: where the person came from, unless the request names it; `done_at`:
    where to go instead once it is done, or what tells it then.
    """
    form = question.form_class(request.POST or None)
    back = safe_next(request, back)
    if request.method == "POST" and form.is_valid():
        try:
            said = act(form.cleaned_data)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            if said:
                messages.success(request, said)
            return _go(request, (done_at() if callable(done_at) else done_at) or back)
    is_fragment = "HX-Request" in request.headers
    context = {
        "question": question,
        "form": form,
        "next": back,
        "action": request.path,
        "title": question.title,
        # A page of its own is sent as any form is.
        "is_fragment": is_fragment,
    }
    if is_fragment:
        return TemplateResponse(request, "operations/dialog.html", context)
    context |= admin.site.each_context(request)
    return TemplateResponse(request, "operations/confirm.html", context)


def safe_next(request: HttpRequest, default: str) -> str:
    """`next` of the request where it leads to this site, else `default`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=request.is_secure()
    )
    return wanted if wanted and ours else default


def _go(request: HttpRequest, address: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
