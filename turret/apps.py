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
            "view_launch",
            "view_pipeline",
            "view_computeenvironment",
        ),
        "operator": ("operate_workflow", "see_secrets_workflow", "launch_launch"),
        # Scripts of theirs are run by the shell: that of managers only.
        "manager": (
            "delete_workflow",
            "add_pipeline",
            "change_pipeline",
            "delete_pipeline",
            "add_computeenvironment",
            "change_computeenvironment",
            "delete_computeenvironment",
        ),
    }

    def ready(self) -> None:
        # Here, because checks read the settings, which must be complete.
        from turret import checks  # noqa: F401
