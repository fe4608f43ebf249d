from __future__ import annotations

import pytest

from turret.engine.slurm import parse_elapsed_s, tower_process_to_slurm_name


def test_a_process_is_named_as_its_jobs_are() -> None:
    assert tower_process_to_slurm_name("A:B:C") == "A_B_C"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:07", 7),
        ("12:34", 754),
        ("01:02:03", 3723),
        ("2-03:04:05", 183_845),
        (" 00:00:10\n", 10),
        ("00:01.250", 1),
        ("1-02:03", None),
        ("12", None),
        ("a:bc", None),
        ("", None),
        ("-1:00", None),
        ("٠:٠٧", None),
    ],
)
def test_elapsed_times_of_slurm_are_read(text: str, seconds: int | None) -> None:
    assert parse_elapsed_s(text) == seconds
