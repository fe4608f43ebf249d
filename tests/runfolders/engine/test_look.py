"""One look at one folder: permissions, and how much of the disk it touches."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from runfolders.engine.facts import Unreadable
from runfolders.engine.listing import mark_unsure
from runfolders.engine.look import Before, Look, Looker
from runfolders.engine.survey import Survey
from runfolders.engine.walk import Walk
from tests.directories import open_directory
from tests.runfolders.runs import NOVASEQ, age, make_run, set_cycles_done

NOBODY = 65534
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that every user can reach."""
    with open_directory() as path:
        path.chmod(0o755)
        yield path


def error_for_nobody(folder: Path) -> str:
    """What a user without any right sees: the Look's error, in a forked child."""
    # Modules that are imported at their first use may be out of that user's reach.
    Looker().look_at(str(folder))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            try:
                look = Looker().look_at(str(folder), Before("1 2 3\n[]"))
                answer = look.error if look else "no run"
            except Unreadable as error:
                answer = f"unknown: {error}"
            os.write(writing, answer.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return answer


def _close_folder(folder: Path) -> None:
    folder.chmod(0o700 if os.geteuid() == 0 else 0)


def _only_pass(folder: Path) -> None:
    folder.chmod(0o711 if os.geteuid() == 0 else 0o111)


def _only_list(folder: Path) -> None:
    folder.chmod(0o744 if os.geteuid() == 0 else 0o444)


def _close_run_info(folder: Path) -> None:
    (folder / "RunInfo.xml").chmod(0o600 if os.geteuid() == 0 else 0)


@pytest.mark.parametrize(
    ("close", "error"),
    [
        (_close_folder, "The folder can't be read: Permission denied."),
        (_only_pass, "The folder can't be read: Permission denied."),
        (_only_list, "RunInfo.xml is no regular file (out of reach)."),
        (_close_run_info, "RunInfo.xml can't be opened: Permission denied."),
    ],
)
def test_what_may_not_be_read_is_said(
    open_path: Path, close: object, error: str
) -> None:
    folder = make_run(open_path, markers=BOTH)
    folder.chmod(0o755)
    assert error_for_nobody(folder) == ""
    assert callable(close)
    close(folder)
    assert error_for_nobody(folder) == error


def test_an_unknown_folder_that_may_not_be_read_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    make_run(tmp_path)
    (tmp_path / "somebody's").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    look = Looker().look_at(str(tmp_path / NOVASEQ))
    assert look is not None
    assert look.error
    with pytest.raises(Unreadable):
        Looker().look_at(str(tmp_path / "somebody's"))


def test_files_are_read_only_when_they_changed(tmp_path: Path) -> None:
    folder = make_run(tmp_path, markers=BOTH)
    age(folder)
    first = Looker().look_at(str(folder))
    assert first is not None
    assert first.facts is not None
    before = Before(first.signature, first.facts)
    (folder / ".RunInfo.xml.x7Hq2").touch()  # as rsync names what it receives
    again = Looker().look_at(str(folder), before)
    assert again is not None
    assert again.facts is None
    assert again.cycles_done == first.cycles_done
    anew = Looker().look_at(str(folder), Before(mark_unsure(first.signature)))
    assert anew is not None
    assert anew.facts == first.facts


class Calls(Counter[str]):
    """Counts calls of `os` that reach the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        for name in ("stat", "lstat", "scandir", "listdir", "open", "pread"):
            monkeypatch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, function: object) -> object:
        def count(*arguments: object, **options: object) -> object:
            self[name] += 1
            assert callable(function)
            return function(*arguments, **options)

        return count


def look_and_count(folder: Path, before: Before | None) -> tuple[Look | None, Calls]:
    with pytest.MonkeyPatch.context() as patch:
        calls = Calls(patch)
        return Looker().look_at(str(folder), before), calls


@pytest.mark.slow
def test_the_number_of_files_in_a_run_does_not_matter(tmp_path: Path) -> None:
    small = make_run(tmp_path / "small", markers=BOTH)
    large = make_run(tmp_path / "large", markers=BOTH)
    for folder, count in ((small, 10), (large, 100_000)):
        set_cycles_done(folder, 3)
        for number in range(count):
            os.close(os.open(f"{folder}/Data/{number}.cbcl", os.O_CREAT | os.O_WRONLY))
        age(folder)
    first_small, calls_small = look_and_count(small, None)
    first_large, calls_large = look_and_count(large, None)
    assert first_small is not None
    assert first_large is not None
    assert calls_small == calls_large
    assert calls_large.total() < 40
    again, calls = look_and_count(large, Before(first_large.signature))
    assert again is not None
    # The folder, its names, and each watched file.
    assert calls["stat"] <= 5
    assert calls["open"] <= 1


def test_an_unchanged_folder_costs_one_stat_of_each_file(tmp_path: Path) -> None:
    folder = make_run(tmp_path, markers=BOTH)
    age(folder)
    look = Looker().look_at(str(folder))
    assert look is not None
    settled = {str(folder): look.signature}
    with pytest.MonkeyPatch.context() as patch:
        calls = Calls(patch)
        survey = Survey(Walk(str(tmp_path), 1, ()), Looker(), settled, {})
        batches = list(survey)
    assert [batch.looks for batch in batches] == [()]
    assert survey.seen == {str(folder)}
    # The folder, RunInfo.xml and two markers.
    assert calls == {"stat": 4, "scandir": 1}
