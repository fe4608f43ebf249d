from __future__ import annotations

from django.apps import AppConfig


class RunfoldersConfig(AppConfig):
    name = "runfolders"
