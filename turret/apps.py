from __future__ import annotations

from typing import ClassVar

from django.apps import AppConfig


class TurretConfig(AppConfig):
    name = "turret"
    verbose_name = "Analysis"
    # Parameters and environments may hold passwords, whatever is masked.
    role_permissions: ClassVar[dict[str, tuple[str, ...]]] = {
        "viewer": (
            "view_workflow",
            "view_workflowprocess",
            "view_workflowtask",
        ),
        "operator": ("operate_workflow", "see_secrets_workflow"),
        "manager": ("delete_workflow",),
    }
