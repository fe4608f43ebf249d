from __future__ import annotations

from typing import ClassVar

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "seqhub.operations"
    label = "operations"
    verbose_name = "Operations"
    # services.roles makes groups of them.
    role_permissions: ClassVar[dict[str, tuple[str, ...]]] = {
        "viewer": ("view_event", "view_attention", "view_heartbeat"),
        "operator": ("change_attention",),
        "manager": (
            "view_apitoken",
            "add_apitoken",
            "change_apitoken",
            "auth.view_user",
            "auth.add_user",
            "auth.change_user",
            "auth.delete_user",
            "auth.view_group",
        ),
    }
