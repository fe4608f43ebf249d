from __future__ import annotations

from django.apps import AppConfig


class RunfoldersConfig(AppConfig):
    name = "runfolders"

    def ready(self) -> None:
        # Here, because checks read the settings, which must be complete.
        from runfolders import checks  # noqa: F401
