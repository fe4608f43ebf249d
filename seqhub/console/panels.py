"""Which apps offer what to the pages that the console assembles.

An app's `panels` answer with the dataclasses of seqhub.lib.panels; a new app
adds its functions here, and appears.
"""

from __future__ import annotations

from collections.abc import Callable

from archiving.panels import dashboard as archives_dashboard
from archiving.panels import run_page as archives_page
from archiving.panels.cells import archive_cells
from runfolders.models import Runfolder
from runfolders.panels import dashboard as runs_dashboard
from runfolders.panels import run_page as runs_page
from seqhub.lib.panels import Count, Panel, Tab, Track
from seqhub.operations import panels as operations
from turret.panels import dashboard as workflows_dashboard
from turret.panels import run_page as workflows_page


def _complete_panel() -> Panel:
    return runs_dashboard.complete_panel(archive_cells)


# In the order in which they stand on the dashboard.
DASHBOARD: tuple[Callable[[], Panel], ...] = (
    operations.attention_panel,
    runs_dashboard.in_flight_panel,
    _complete_panel,
    workflows_dashboard.under_way_panel,
    archives_dashboard.sealing_panel,
    runs_dashboard.storage_panel,
)
TODAY: tuple[Callable[[], list[Count]], ...] = (
    runs_dashboard.today,
    archives_dashboard.today,
    workflows_dashboard.today,
)

# Of a run's page: stages on the rail from left to right, then the tabs.
TRACKS: tuple[Callable[[Runfolder], list[Track]], ...] = (
    runs_page.tracks,
    workflows_page.tracks,
    archives_page.tracks,
)
_LAST = {"timeline": 1, "raw": 2}
TABS: tuple[Callable[[Runfolder], list[Tab]], ...] = (
    runs_page.tabs,
    workflows_page.tabs,
    archives_page.tabs,
)


def dashboard_panels() -> list[Panel]:
    return [offer() for offer in DASHBOARD]


def counts_of_today() -> list[Count]:
    return [count for offer in TODAY for count in offer()]


def tracks_of(run: Runfolder) -> list[Track]:
    return [track for offer in TRACKS for track in offer(run)]


def tabs_of(run: Runfolder) -> list[Tab]:
    """All tabs; history and the raw answer come last, whatever apps offer."""
    found = [tab for offer in TABS for tab in offer(run)]
    return sorted(found, key=lambda tab: _LAST.get(tab.key, 0))
