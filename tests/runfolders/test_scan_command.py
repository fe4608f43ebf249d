"""`manage.py scan`."""

from __future__ import annotations

import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django import Settings

from runfolders.services.locks import SCAN, exclusive
from tests.factories import HOST
from tests.runfolders.runs import NEXTSEQ_2000, make_run, watch

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("scan", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_it_says_what_it_found(tmp_path: Path, settings: Settings) -> None:
    watch(settings, tmp_path)
    make_run(tmp_path, markers=BOTH)
    bad = make_run(tmp_path, NEXTSEQ_2000)
    (bad / "RunInfo.xml").write_bytes(b"")
    first, second = run().splitlines()
    assert first == (
        f"{tmp_path}: 2 directories, 2 new, 0 looked at again, 1 became complete, "
        "0 vanished, 1 unreadable"
    )
    assert second.strip().startswith(f"{bad}: RunInfo.xml is empty")


def test_one_root_can_be_chosen(tmp_path: Path, settings: Settings) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    make_run(one)
    make_run(two, NEXTSEQ_2000)
    watch(settings, one, two)
    assert "1 new" in run("--root", str(one))
    assert str(two) not in run("--root", str(one))
    with pytest.raises(CommandError, match="not a monitored directory"):
        run("--root", "/elsewhere")


def test_a_missing_root_is_a_failure(tmp_path: Path, settings: Settings) -> None:
    watch(settings, tmp_path, tmp_path / "nothing")
    make_run(tmp_path)
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2 can't be watched"):
        call_command("scan", stdout=out, stderr=out)
    assert "1 new" in out.getvalue()
    assert "nothing: can't be watched: no such file or directory" in out.getvalue()


def test_nothing_to_watch_is_said(settings: Settings) -> None:
    watch(settings)
    with pytest.raises(CommandError, match="monitored_directories"):
        run()


@pytest.mark.django_db(transaction=True)
def test_a_scan_that_goes_on_is_said(tmp_path: Path, settings: Settings) -> None:
    watch(settings, tmp_path)
    is_held, is_over = threading.Event(), threading.Event()

    def other_scan() -> None:
        # A thread has a database session of its own, as another process has.
        with exclusive(SCAN, HOST):
            is_held.set()
            is_over.wait(60)
        connections.close_all()

    thread = threading.Thread(target=other_scan)
    thread.start()
    try:
        assert is_held.wait(60)
        with pytest.raises(CommandError, match="another scan"):
            run()
    finally:
        is_over.set()
        thread.join()
    assert "0 directories" in run()
