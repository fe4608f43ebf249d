"""Who may import whom: docs/architecture.md draws the same map."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.arch.source import APPS, imports, is_in, is_ours, modules

# Each floor may import itself and those above it here.
FLOORS = (
    ("seqhub.lib",),
    ("seqhub.operations",),
    ("runfolders",),
    ("archiving", "turret"),
    ("seqhub",),
)
DOORS = ("api", "admin", "tasks", "management")
# The rooms of an app, and the rooms of the same app that each may import.
NOUNS = {"words", "choices", "errors", "conf"}
ROOMS = {
    # States for an engine that works where Django is not.
    "words": {"words"},
    "choices": {"words", "choices"},
    "errors": {"choices", "errors"},
    "conf": NOUNS,
    "engine": NOUNS | {"engine"},
    "models": NOUNS | {"models"},
    "selectors": NOUNS | {"models", "selectors", "engine"},
    "services": NOUNS | {"models", "selectors", "engine", "services"},
    "panels": NOUNS | {"models", "selectors", "engine", "services", "panels"},
    "checks": NOUNS | {"models", "selectors", "engine", "services", "checks"},
    "apps": {"checks"},
} | {
    door: NOUNS | {"models", "selectors", "engine", "services", "panels", door}
    for door in DOORS
}


def floor(name: str) -> tuple[int, str]:
    """The floor of a module and its package there."""
    for number, packages in enumerate(FLOORS):
        for package in packages:
            if is_in(name, package):
                return number, package
    raise AssertionError(f"{name} is on no floor")


def room(name: str) -> tuple[str, str] | None:
    """The app and the room of a module; None in a package without rooms."""
    for app in (*APPS, "seqhub.operations"):
        if is_in(name, app) and name != app:
            return app, name.removeprefix(f"{app}.").split(".")[0]
    return None


def wrong_floors(name: str, imported: str) -> bool:
    own, own_package = floor(name)
    other, other_package = floor(imported)
    return other > own or (other == own and other_package != own_package)


def wrong_rooms(name: str, imported: str) -> bool:
    here, there = room(name), room(imported)
    if here is None or there is None or here[0] != there[0]:
        return False
    return there[1] not in ROOMS[here[1]]


@pytest.mark.parametrize("rule", [wrong_floors, wrong_rooms])
def test_imports_go_one_way(rule: Callable[[str, str], bool]) -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in imports()
        if is_ours(imported) and rule(module, imported)
    ]
    assert wrong == []


def test_every_module_of_an_app_is_in_a_known_room() -> None:
    found = [place for module in modules() if (place := room(module))]
    assert {name for _, name in found} <= set(ROOMS)


def test_only_doors_import_the_doors_of_another_app() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in imports()
        if (here := room(module))
        and (there := room(imported))
        and there[1] in DOORS
        and here[1] not in DOORS
    ]
    assert wrong == []


def test_an_engine_knows_neither_django_nor_settings() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in imports()
        if (here := room(module))
        and here[1] == "engine"
        and imported.split(".")[0] in {"django", "django_q", "rest_framework"}
    ]
    assert wrong == []


def test_packages_begin_empty() -> None:
    """But for models, where Django looks for them, and for the one that is also a
    library for programs of others, with names of its own (docs/embedding.md)."""
    filled = [
        module
        for module, file in modules().items()
        if file.name == "__init__.py" and file.stat().st_size
    ]
    assert filled == ["turret.engine", "turret.models"]


@pytest.mark.parametrize(
    ("name", "imported", "is_wrong"),
    [
        ("runfolders.services.states", "seqhub.operations.models.Event", False),
        ("runfolders.services.states", "seqhub.lib.files.locked", False),
        ("seqhub.operations.models", "runfolders.models.Runfolder", True),
        ("seqhub.lib.files", "seqhub.operations.models.Event", True),
        ("runfolders.models", "turret.models.Launch", True),
        ("archiving.services", "turret.models.Launch", True),
        ("turret.services", "runfolders.selectors.ready", False),
        ("runfolders.conf", "seqhub.config.Config", True),
        ("seqhub.urls", "archiving.admin", False),
    ],
)
def test_the_floors_are_understood(name: str, imported: str, is_wrong: bool) -> None:
    assert wrong_floors(name, imported) is is_wrong


@pytest.mark.parametrize(
    ("name", "imported", "is_wrong"),
    [
        ("runfolders.models", "runfolders.choices.State", False),
        ("runfolders.engine.xml", "runfolders.models.Runfolder", True),
        ("runfolders.api.views", "runfolders.services.states", False),
        ("runfolders.api.views", "runfolders.admin", True),
        ("runfolders.admin", "runfolders.tasks.scan", True),
        ("runfolders.services.states", "runfolders.api.views", True),
        ("runfolders.panels", "runfolders.selectors.ready", False),
        ("seqhub.operations.services.tokens", "seqhub.operations.admin", True),
    ],
)
def test_the_rooms_are_understood(name: str, imported: str, is_wrong: bool) -> None:
    assert wrong_rooms(name, imported) is is_wrong


def test_the_lower_floors_come_first() -> None:
    """`seqhub` contains the first two floors, so it must be looked at last."""
    assert all(
        not is_in(lower, upper)
        for first, second in pairwise(FLOORS)
        for lower in second
        for upper in first
    )
