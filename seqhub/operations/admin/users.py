"""Users and their roles."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from seqhub.lib import markup
from seqhub.operations.admin.base import ConsoleAdmin, ReadOnlyAdmin


class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "roles", "is_active", "seen")
    list_filter = ("groups", "is_active")
    search_help_text = "Name, e-mail address"
    filter_horizontal = ()
    fieldsets = (
        (
            None,
            {"fields": ("username", "password", "first_name", "last_name", "email")},
        ),
        ("What they may do", {"fields": ("is_active", "is_staff", "groups")}),
        ("For administrators", {"fields": ("is_superuser",), "classes": ["collapse"]}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2"),
            },
        ),
        ("What they may do", {"fields": ("is_staff", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # Without it nobody can log in to the console.
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        return () if request.user.is_superuser else ("is_superuser",)

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        return self._may_touch(request, obj) and bool(
            super().has_change_permission(request, obj)
        )

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        return self._may_touch(request, obj) and bool(
            super().has_delete_permission(request, obj)
        )

    @staticmethod
    def _may_touch(request: HttpRequest, user: User | None) -> bool:
        """A manager who could set an administrator's password would be one."""
        return user is None or not user.is_superuser or request.user.is_superuser

    @display(description="Name", ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "–"

    @display(description="Roles")
    def roles(self, user: User) -> str:
        names = [group.name for group in user.groups.all()]
        if user.is_superuser:
            names.insert(0, "administrator")
        return ", ".join(names) or "none"

    @display(description="Last login", ordering="last_login")
    def seen(self, user: User) -> SafeString | str:
        return markup.since(user.last_login) if user.last_login else "never"


class RoleAdmin(ReadOnlyAdmin, DjangoGroupAdmin):
    """What each role may do; `up` writes them."""

    list_display = ("name", "may")
    list_display_links = None
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        rows: QuerySet[Group] = super().get_queryset(request)
        return rows.prefetch_related("permissions")

    @display(description="May")
    def may(self, group: Group) -> str:
        names = (permission.name for permission in group.permissions.all())
        return ", ".join(name.removeprefix("Can ") for name in names)
