from __future__ import annotations

import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def simulate(directory: Path, *options: str) -> list[str]:
    out = StringIO()
    call_command("simulate", str(directory), "--seconds", "0", *options, stdout=out)
    return out.getvalue().splitlines()


def test_it_prints_the_path_first_and_then_its_progress(tmp_path: Path) -> None:
    lines = simulate(tmp_path, "--cycles", "20")
    folder = Path(lines[0])
    assert folder.parent == tmp_path
    assert (folder / "CopyComplete.txt").is_file()
    assert "cycle 10 of 20" in lines
    assert lines[-2:] == ["CopyComplete.txt", "ended"]
    assert len(lines) < 25


def test_two_runs_of_a_minute_have_two_names(tmp_path: Path) -> None:
    simulate(tmp_path, "--cycles", "1")
    simulate(tmp_path, "--cycles", "1")
    assert len(list(tmp_path.iterdir())) == 2


def test_it_ends_and_drops_as_told(tmp_path: Path) -> None:
    options = ["--platform", "novaseqx", "--cycles", "10", "--name", "broken"]
    simulate(tmp_path, *options, "--ending", "fail", "--drop", "CopyComplete.txt")
    folder = tmp_path / "broken"
    assert "RunErrored" in (folder / "RunCompletionStatus.xml").read_text()
    assert not (folder / "CopyComplete.txt").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "taken"], "taken is there already"),
        (["--name", "../elsewhere"], "name of a folder"),
        (["--name", ".hidden"], "name of a folder"),
        (["--cycles", "0"], "from 1 to 1000"),
        (["--seconds", "-1"], "from 0 to"),
        (["--seconds", "nan"], "from 0 to"),
        (["--platform", "abacus"], "invalid choice"),
        (["--ending", "badly"], "invalid choice"),
    ],
)
def test_it_refuses_clearly(options: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(CommandError, match=message):
        call_command("simulate", str(tmp_path), *options, stdout=StringIO())
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_it_refuses_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a directory"):
        simulate(tmp_path / "nowhere")


@pytest.mark.slow
def test_interrupted_it_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seqhub.cli", "simulate", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--seconds", "600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs with SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as child:
        assert child.stdout
        assert child.stderr
        folder = Path(child.stdout.readline().strip())
        assert "started\n" in iter(child.stdout.readline, "")
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 1
        assert "stays unfinished" in child.stderr.read()
    assert (folder / "RunInfo.xml").is_file()
    assert not list(folder.rglob("*.partial"))
