from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqhub.config import build_config
from seqhub.supervisor.up import summary


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["watching  nothing (runfolders.monitored_directories)"]),
        ({"monitored_directories": ["/a"]}, ["watching  /a"]),
        (
            {
                "monitored_directories": ["/a"],
                "archiving": {
                    "sequencing_path": "/seq",
                    "destination_path": "/archives",
                    "gpg_receivers": ["one@example.org", "two@example.org"],
                },
            },
            [
                "watching  /a",
                "sealing   runs of /seq, /a",
                "          into /archives",
                "          for one@example.org, two@example.org",
            ],
        ),
        (
            {"archiving": {"sequencing_path": "/seq"}},
            ["sealing   nothing (archiving.destination_path)"],
        ),
        (
            {
                "archiving": {
                    "sequencing_path": "/seq",
                    "destination_path": "/archives",
                }
            },
            ["sealing   nothing (archiving.gpg_receivers)"],
        ),
    ],
)
@pytest.mark.usefixtures("no_variables")
def test_up_tells_what_it_watches_and_what_it_seals(
    values: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    config = build_config({"data_dir": "data", **values}, tmp_path)
    lines = summary(config, None)
    assert lines[3:] == expected
