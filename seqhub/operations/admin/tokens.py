"""API tokens: made, shown once, revoked; never changed."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, cast

from django import forms
from django.contrib.admin import display
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from seqhub.lib import markup
from seqhub.lib.markup import Chip
from seqhub.operations.admin.base import ReadOnlyAdmin
from seqhub.operations.admin.confirm import OptionalReasonForm, Question, actor_of, ask
from seqhub.operations.choices import Scope
from seqhub.operations.errors import DomainError
from seqhub.operations.models import ApiToken
from seqhub.operations.services.tokens import create_token, revoke_token

_LIVES = (("30", "30 days"), ("90", "90 days"), ("365", "one year"), ("0", "for ever"))
_SCOPE_WORDS = (
    (Scope.READ, "read: look at everything"),
    (Scope.WRITE, "write: change states, pick up runs, scan"),
    (Scope.TRACE, "trace: Nextflow reports its workflows"),
)


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text="What will use it: a script, a machine.",
    )
    user = forms.ModelChoiceField(
        queryset=User.objects.none(),
        widget=UnfoldAdminSelectWidget(),
        help_text="Its calls are recorded under this name.",
    )
    scopes = forms.MultipleChoiceField(
        choices=_SCOPE_WORDS,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple(),
    )
    lives = forms.ChoiceField(
        label="Works for",
        choices=_LIVES,
        initial="365",
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, users: QuerySet[User], data: Any, me: int | None) -> None:
        super().__init__(data, initial={"user": me})
        user = cast("forms.ModelChoiceField[User]", self.fields["user"])
        user.queryset = users.order_by("username")

    @property
    def expires_at(self) -> dt.datetime | None:
        days = int(self.cleaned_data["lives"])
        return timezone.now() + dt.timedelta(days=days) if days else None


class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("named", "user", "scope_words", "status", "used", "ends", "revoke")
    list_display_links = None
    list_select_related = ("user",)
    list_filter: ClassVar = ["user"]
    search_fields = ("name", "user__username", "hint")
    search_help_text = "Name, user, first letters"
    ordering = ("-created_at",)
    empty_words = "No API tokens yet."
    empty_hint = (
        "Scripts and Nextflow call with a token: make one with the button above."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        # Tokens of launches come and go by the thousand.
        rows: QuerySet[ApiToken] = super().get_queryset(request)
        return rows.filter(bound_to="")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("operations.add_apitoken"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke_view)
        name = "operations_apitoken_revoke"
        return [path("<int:token_id>/revoke/", view, name=name), *super().get_urls()]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return self.create_view(request)

    @method_decorator(never_cache)
    def create_view(self, request: HttpRequest) -> HttpResponse:
        """The form, then the token: the only time that its text is shown."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        users = User.objects.filter(is_active=True)
        if not request.user.is_superuser:
            # A manager with an administrator's token would be one.
            users = users.filter(is_superuser=False)
        form = TokenForm(users, request.POST or None, request.user.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "New API token",
            "opts": self.opts,
            "form": form,
            "back": reverse("admin:operations_apitoken_changelist"),
        }
        if request.method == "POST" and form.is_valid():
            answers = form.cleaned_data
            try:
                token, text = create_token(
                    answers["user"],
                    answers["name"],
                    answers["scopes"],
                    actor=actor_of(request),
                    expires_at=form.expires_at,
                )
            except DomainError as error:
                form.add_error(None, error.message)
            else:
                export = f"export TOWER_ACCESS_TOKEN={text}"
                context |= {"token": token, "text": text, "export": export}
        return TemplateResponse(request, "operations/token.html", context)

    def revoke_view(self, request: HttpRequest, token_id: int) -> HttpResponse:
        if not request.user.has_perm("operations.change_apitoken"):
            raise PermissionDenied
        question = Question(
            title="Revoke this token",
            explains="What uses it is refused within ten seconds. "
            "A revoked token can't be brought back.",
            button="Revoke",
            form_class=OptionalReasonForm,
            is_dangerous=True,
        )

        def act(answers: dict[str, Any]) -> str:
            revoke_token(token_id, actor=actor_of(request), reason=answers["reason"])
            return "The token is revoked."

        back = reverse("admin:operations_apitoken_changelist")
        return ask(request, question, act, back=back)

    @display(description="Name", ordering="name")
    def named(self, token: ApiToken) -> SafeString:
        return format_html("{}<br><code>{}…</code>", token.name, token.hint)

    @display(description="May")
    def scope_words(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(description="Status")
    def status(self, token: ApiToken) -> SafeString:
        if token.revoked_at:
            chip = Chip("revoked", "default", "block", since=token.revoked_at)
        elif token.expires_at and token.expires_at <= timezone.now():
            chip = Chip("expired", "warning", "timer_off", since=token.expires_at)
        else:
            chip = Chip("works", "success", "check_circle", since=token.created_at)
        return markup.chip(chip)

    @display(description="Last used", ordering="last_used_at")
    def used(self, token: ApiToken) -> SafeString | str:
        return markup.since(token.last_used_at) if token.last_used_at else "never"

    @display(description="Ends", ordering="expires_at")
    def ends(self, token: ApiToken) -> SafeString | str:
        return markup.since(token.expires_at) if token.expires_at else "never"

    @display(description="")
    def revoke(self, token: ApiToken) -> SafeString | str:
        if token.revoked_at:
            return ""
        link = reverse("admin:operations_apitoken_revoke", args=[token.pk])
        return markup.dialog_link(link, "revoke", f"Revoke {token.name}")
