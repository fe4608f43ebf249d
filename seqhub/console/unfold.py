"""How unfold looks and what its sidebar leads to. Settings import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _static(path: str) -> Callable[[HttpRequest], str]:
    return lambda _request: static(path)


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _item(title: str, icon: str, page: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(page),
        "permission": _may(permission),
    }


def _list(title: str, icon: str, model: str, app: str = "runfolders") -> dict[str, Any]:
    """The list of a model, for those who may see it."""
    page = f"admin:{app}_{model}_changelist"
    return _item(title, icon, page, f"{app}.view_{model}")


NAVIGATION = [
    {
        "items": [
            {
                "title": "Dashboard",
                "icon": "dashboard",
                "link": reverse_lazy("admin:index"),
            }
        ]
    },
    {
        "title": "Sequencing",
        "items": [
            _list("Runs", "science", "runfolder"),
            _list("Samples", "labs", "sample"),
            _list("Instruments", "biotech", "instrument"),
            _list("Roots", "hard_drive", "root"),
        ],
    },
    {
        "title": "Analysis",
        "items": [
            _list("Workflows", "account_tree", "workflow", "turret"),
            _list("Launches", "rocket_launch", "launch", "turret"),
            _list("Pipelines", "schema", "pipeline", "turret"),
            _item(
                "Compute environments",
                "dns",
                "admin:turret_computeenvironment_changelist",
                "turret.change_computeenvironment",
            ),
        ],
    },
    {
        "title": "Archive",
        "items": [
            _list("Archives", "inventory_2", "archivejob", "archiving"),
            _list("Restores", "settings_backup_restore", "restore", "archiving"),
            _list("Copies", "cloud_done", "archivecopy", "archiving"),
            _list("Keys", "key", "recipient", "archiving"),
        ],
    },
    {
        "title": "Operations",
        "items": [
            _list("Attention", "warning", "attention", "operations"),
            _list("Events", "history", "event", "operations"),
            _item(
                "Health", "monitor_heart", "console:health", "operations.view_heartbeat"
            ),
            _list("API tokens", "token", "apitoken", "operations"),
            _list("Users", "group", "user", "auth"),
            _list("Roles", "badge", "group", "auth"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "SeqHub",
    "SITE_HEADER": "SeqHub",
    "SITE_SUBHEADER": "Sequencing runs",
    "SITE_URL": None,
    "SITE_SYMBOL": "genetics",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": _static("console/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "seqhub.console.dashboard.add_dashboard",
    "STYLES": [_static("console/console.css")],
    "SCRIPTS": [_static("console/console.js")],
    "COMMAND": {"search_callback": "seqhub.console.search.search"},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": NAVIGATION,
    },
    # A deep teal: white on 600 and 500 on the dark ground both pass AA.
    "COLORS": {
        "primary": {
            "50": "oklch(97.8% .016 195)",
            "100": "oklch(94.5% .037 196)",
            "200": "oklch(89.5% .063 197)",
            "300": "oklch(83% .091 198)",
            "400": "oklch(75% .105 200)",
            "500": "oklch(66% .105 202)",
            "600": "oklch(50% .09 205)",
            "700": "oklch(44% .079 207)",
            "800": "oklch(38% .066 209)",
            "900": "oklch(32% .054 211)",
            "950": "oklch(25% .043 213)",
        },
    },
}
