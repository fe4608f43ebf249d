"""System checks of launching; none of it stops SeqHub."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.conf import settings
from django.core import checks

from turret.conf import LauncherSection


@checks.register
def nextflow(**_: Any) -> list[checks.CheckMessage]:
    """Whether launches of this host find their program. Who has not set up launching
    need not have it."""
    section: LauncherSection = settings.CONFIG.turret.launcher
    if not section.model_fields_set or settings.CONFIG.is_tryout:
        return []
    if shutil.which(section.nextflow, path=os.environ.get("PATH", "")):
        return []
    return [
        checks.Warning(
            f"turret.launcher.nextflow: there is no program {section.nextflow}.",
            hint="Install Nextflow, or name where it lies; launches of this host fail"
            " until then.",
            id="turret.W001",
        )
    ]
