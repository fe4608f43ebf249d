from __future__ import annotations

import datetime as dt

from seqhub.lib import markup
from seqhub.lib.markup import Chip

HOSTILE = '"><script>alert(1)</script>'


def test_names_from_disk_stay_text() -> None:
    chip = Chip(HOSTILE, "info", "sync", HOSTILE)
    for html in (
        markup.chip(chip),
        markup.broken(f"/a_b/{HOSTILE}"),
        markup.copyable(HOSTILE),
        markup.bar(1, 2, HOSTILE),
        markup.pairs([(HOSTILE, HOSTILE)]),
        markup.dialog_link(HOSTILE, HOSTILE, HOSTILE),
    ):
        assert "<script" not in html


def test_a_chip_says_its_sentence_and_since_when() -> None:
    at = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
    html = markup.chip(Chip("ready", "success", "play_circle", "Waiting.", at))
    assert 'title="Waiting. Since 2024-01-31 12:00:00 UTC."' in html
    assert "ready" in html


def test_paths_may_wrap_at_slashes() -> None:
    assert markup.broken("/data/run_1") == "/<wbr>data/<wbr>run_<wbr>1"


def test_an_unknown_time_is_a_dash() -> None:
    assert markup.since(None) == "–"
