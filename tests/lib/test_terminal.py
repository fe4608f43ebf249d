from __future__ import annotations

import io

import pytest
from django.core.management.base import OutputWrapper

from seqhub.lib import terminal
from seqhub.lib.terminal import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    line = ProgressLine(OutputWrapper(stream))
    line.show("looking", None, "3 files")
    line.show("sealing", 50, "x" * 100)
    line.close()
    stream.write("done\n")
    _, first, second, end = stream.getvalue().split("\r\x1b[K")
    assert first == "looking 3 files"
    assert second.startswith("sealing [############............]  50 % xxx")
    assert len(second) == 59
    assert end == "done\n"


def test_elsewhere_each_stage_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    line = ProgressLine(OutputWrapper(stream))
    for stage, percent in (("looking", None), ("sealing", 0), ("sealing", 50)):
        line.show(stage, percent, "of a run")
    monkeypatch.setattr(terminal, "PLAIN_EVERY_S", 0)
    line.show("sealing", 99.6, "of a run")
    line.close()
    assert stream.getvalue().splitlines() == [
        "looking of a run",
        "sealing 0 % of a run",
        "sealing 100 % of a run",
    ]


@pytest.mark.parametrize("percent", [-5, 0, 100, 250])
def test_a_bar_keeps_its_width(percent: float) -> None:
    stream = Terminal()
    ProgressLine(OutputWrapper(stream)).show("", percent, "")
    bar = stream.getvalue().rpartition("[")[2].partition("]")[0]
    assert len(bar) == 24
