"""Rules of the house that neither ruff nor mypy can check."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.arch.source import PACKAGES, ROOT

LIMIT_LINES = 400
MACHINE_PATHS = re.compile(r"(?<![\w/])/(?:(?:work|root|Users)/\w|home/(?!user\b)\w)")


def tracked() -> list[Path]:
    """Every file that belongs to the project."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = listed.stdout.decode().split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def python_files() -> list[Path]:
    return [file for file in tracked() if file.suffix == ".py"]


def test_files_are_short() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(text_of(file).splitlines())
        for file in python_files()
        if "migrations" not in file.parts
    }
    assert {name for name, lines in lengths.items() if lines > LIMIT_LINES} == set()


def test_every_command_is_named_in_a_test() -> None:
    tests = "\n".join(text_of(file) for file in python_files() if "tests" in file.parts)
    commands = {
        file.stem
        for package in PACKAGES
        for file in (ROOT / package).rglob("management/commands/*.py")
        if file.stem != "__init__"
    }
    spellings = {name: {name, name.replace("_", "-")} for name in commands}
    unnamed = {
        name
        for name, words in spellings.items()
        if not any(re.search(rf"[\"']{word}[\"'\s]", tests) for word in words)
    }
    assert unnamed == set()


def test_silenced_checks_say_which() -> None:
    bare = re.compile(r"#\s*(?:type:\s*ignore(?!\[)|noqa(?!:\s*[A-Z]))")
    wrong = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in python_files()
        for number, line in enumerate(text_of(file).splitlines(), 1)
        if bare.search(line) and file != Path(__file__)
    ]
    assert wrong == []


def test_lock_files_name_no_address() -> None:
    locks = sorted(ROOT.glob("requirements*.lock"))
    assert len(locks) == 2
    assert [lock.name for lock in locks if "://" in lock.read_text()] == []


def test_the_developers_lock_contains_the_other() -> None:
    pin = re.compile(r"^\S+==\S+", re.MULTILINE)
    runtime, developers = (
        set(pin.findall((ROOT / name).read_text()))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime - developers == set()


def test_nothing_names_a_path_of_one_machine() -> None:
    wrong = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if MACHINE_PATHS.search(text_of(file)) and file != Path(__file__)
    ]
    assert wrong == []


def templates() -> list[Path]:
    return [file for file in tracked() if file.suffix in {".html", ".svg"}]


def test_templates_have_no_inline_script() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\son[a-z]+\s*=\s*[\"']|javascript:")
    assert [
        str(file.relative_to(ROOT))
        for file in templates()
        if inline.search(text_of(file))
    ] == []


def test_pages_load_nothing_from_elsewhere() -> None:
    foreign = re.compile(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//")
    pages = [
        file
        for file in tracked()
        if file.suffix in {".html", ".css", ".js"} and "tests" not in file.parts
    ]
    assert [
        str(file.relative_to(ROOT)) for file in pages if foreign.search(text_of(file))
    ] == []


def test_the_makefile_stays_small() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    targets = phony.group(1).split()
    assert targets[0] == "up"
    assert len(targets) <= 9
