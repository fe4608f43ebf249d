from __future__ import annotations

from typing import ClassVar

from django.apps import AppConfig


class RunfoldersConfig(AppConfig):
    name = "runfolders"
    verbose_name = "Sequencing"
    # services.roles of operations makes groups of them. Changing a run means its
    # overrides, holds and notes; changing a root, scanning it; deleting, forgetting.
    role_permissions: ClassVar[dict[str, tuple[str, ...]]] = {
        "viewer": (
            "view_root",
            "view_instrument",
            "view_runfolder",
            "view_sample",
        ),
        "operator": ("change_runfolder", "change_root", "change_instrument"),
        "manager": ("delete_runfolder",),
    }

    def ready(self) -> None:
        # Here, because checks read the settings, which must be complete.
        from runfolders import checks  # noqa: F401
