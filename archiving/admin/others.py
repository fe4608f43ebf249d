"""Copies of archives, and the keys that open them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.admin import AllValuesFieldListFilter, ShowFacets, display
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from archiving.admin.actions import SEAL
from archiving.models import ArchiveCopy, ArchiveJob, Recipient
from archiving.panels.chips import copy_chip, key_chip, secret_chip
from archiving.panels.links import archive_link, archives_link
from archiving.services.keys import test_key
from seqhub.lib import markup, queues
from seqhub.operations.admin.base import ReadOnlyAdmin
from seqhub.operations.admin.confirm import Question, actor_of, ask
from seqhub.operations.services.doorbell import ring

CHECK = Question(
    "Check the keys now",
    "Each key of the configuration is looked up and tried: is it there, not expired, "
    "can it encrypt? The list shows the result within a minute.",
    "Check now",
    forms.Form,
)
TEST = Question(
    "Test this key",
    "Something is encrypted to it and decrypted again with the secret key at hand: "
    "whoever passes this can open the archives.",
    "Test key",
    forms.Form,
)


class ArchiveCopyAdmin(ReadOnlyAdmin):
    list_display = ("run", "place", "state_chip", "stored", "verified", "where")
    list_display_links = None
    list_filter: ClassVar = ["state", ("place", AllValuesFieldListFilter)]
    show_facets = ShowFacets.NEVER
    search_fields = ("job__run_name", "job__name", "place", "reference")
    search_help_text = "Run, place, reference"
    ordering = ("-state_since", "-id")
    actions = None
    empty_words = "No copies are known."
    empty_hint = (
        "A copy is another place that holds an archive. Those that dataflow_archive "
        "had sent away appear with import-statusdb."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ArchiveCopy]:
        rows: QuerySet[ArchiveCopy] = super().get_queryset(request)
        return rows.select_related("job").defer(
            "job__wrapped_key", "job__publishing", "job__raw_path"
        )

    @display(description="Run", ordering="job__run_name")
    def run(self, row: ArchiveCopy) -> SafeString:
        return format_html(
            '<a class="run-link" href="{}">{}</a>',
            archive_link(row.job, "copies"),
            markup.broken(row.job.run_name),
        )

    @display(description="State", ordering="state")
    def state_chip(self, row: ArchiveCopy) -> SafeString:
        chip = markup.chip(copy_chip(row))
        if not row.message:
            return chip
        return format_html(
            '<div>{}<div class="below">{}</div></div>', chip, row.message
        )

    @display(description="Stored", ordering="stored_at")
    def stored(self, row: ArchiveCopy) -> SafeString:
        return markup.since(row.stored_at)

    @display(description="Verified", ordering="verified_at")
    def verified(self, row: ArchiveCopy) -> SafeString:
        return markup.since(row.verified_at)

    @display(description="Reference")
    def where(self, row: ArchiveCopy) -> SafeString:
        if not row.reference:
            return markup.faint("–")
        return markup.copyable(row.reference)


class RecipientAdmin(ReadOnlyAdmin):
    """The inventory: which key opens how many archives."""

    list_display = ("who", "state", "expires", "archives", "secret", "checked", "test")
    list_display_links = None
    list_before_template = "archiving/keys_before.html"
    list_filter: ClassVar = ["is_configured", "has_secret_key"]
    show_facets = ShowFacets.NEVER
    search_fields = ("user_id", "fingerprint", "identifier")
    search_help_text = "Name, address, fingerprint"
    ordering = ("-is_configured", "user_id", "fingerprint")
    actions = None
    empty_template = "archiving/no_keys.html"

    @property
    def sealing_is_on(self) -> bool:
        """For the words of an empty list."""
        return bool(settings.CONFIG.archiving.is_on)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Recipient] = super().get_queryset(request)
        return rows.annotate(job_count=Count("jobs", filter=Q(jobs__ignored_at=None)))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sealed = ArchiveJob.objects.filter(sealed_at__isnull=False)
        more = {
            "may_seal": request.user.has_perm(SEAL),
            "unopened": sealed.filter(recipients=None, ignored_at=None).count(),
        }
        page: HttpResponse = super().changelist_view(
            request, {**more, **(extra_context or {})}
        )
        return page

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "archiving_recipient"
        return [
            path("check/", view(self.check_view), name=f"{name}_check"),
            path("<int:key_id>/test/", view(self.test_view), name=f"{name}_test"),
            *super().get_urls(),
        ]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Have this host look at the keys."""
        if not request.user.has_perm(SEAL):
            raise PermissionDenied

        def act(_answers: dict[str, Any]) -> str:
            host = settings.CONFIG.host
            ring("archiving.tasks.check_keys", host, queue=queues.local(host))
            return "The keys are being checked."

        return ask(request, CHECK, act, back=self._list())

    def test_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        if not request.user.has_perm(SEAL):
            raise PermissionDenied
        key = get_object_or_404(Recipient, pk=key_id)

        def act(_answers: dict[str, Any]) -> str:
            return test_key(key.pk, actor=actor_of(request))

        return ask(request, TEST, act, back=self._list())

    @staticmethod
    def _list() -> str:
        return reverse("admin:archiving_recipient_changelist")

    @display(description="Key", ordering="user_id")
    def who(self, key: Recipient) -> SafeString:
        name = key.user_id or key.identifier or "unknown person"
        return format_html(
            '<div class="run-cell"><div class="row-title">{}</div>'
            '<div class="below">{}{}</div></div>',
            name,
            markup.copyable(key.fingerprint, "the fingerprint"),
            f" {key.algorithm}" if key.algorithm else "",
        )

    @display(description="State", ordering="problem")
    def state(self, key: Recipient) -> SafeString:
        chip = markup.chip(key_chip(key))
        if not key.message:
            return chip
        return format_html(
            '<div>{}<div class="below">{}</div></div>',
            chip,
            markup.lines(key.message, key.next_step),
        )

    @display(description="Expires", ordering="key_expires_at")
    def expires(self, key: Recipient) -> SafeString | str:
        if key.key_expires_at:
            return markup.since(key.key_expires_at)
        return "never" if key.key_created_at else markup.faint("–")

    @display(description="Opens", ordering="job_count")
    def archives(self, key: Recipient) -> SafeString:
        count = getattr(key, "job_count", 0)
        link = archives_link(recipients__id__exact=key.pk)
        plural = "archive" if count == 1 else "archives"
        return format_html('<a href="{}">{} {}</a>', link, count, plural)

    @display(description="Secret key", ordering="has_secret_key")
    def secret(self, key: Recipient) -> SafeString:
        return markup.chip(secret_chip(key))

    @display(description="Checked", ordering="checked_at")
    def checked(self, key: Recipient) -> SafeString:
        return markup.since(key.checked_at)

    @display(description="")
    def test(self, key: Recipient) -> SafeString | str:
        if not key.has_secret_key:
            return ""
        link = reverse("admin:archiving_recipient_test", args=[key.pk])
        return markup.dialog_link(link, "test key", f"Test the key of {key}")
