from __future__ import annotations

from django.apps import AppConfig


class ArchivingConfig(AppConfig):
    name = "archiving"
