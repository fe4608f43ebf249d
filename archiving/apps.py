from __future__ import annotations

from typing import ClassVar

from django.apps import AppConfig


class ArchivingConfig(AppConfig):
    name = "archiving"
    verbose_name = "Archive"
    # Restoring writes to disk what was locked away: a permission of its own.
    role_permissions: ClassVar[dict[str, tuple[str, ...]]] = {
        "viewer": (
            "view_archivejob",
            "view_archiveattempt",
            "view_verification",
            "view_restore",
            "view_archivecopy",
            "view_recipient",
        ),
        "operator": ("seal_archivejob",),
        "manager": ("restore_archivejob",),
    }

    def ready(self) -> None:
        # Here, because checks read the settings, which must be complete.
        from archiving import checks  # noqa: F401
