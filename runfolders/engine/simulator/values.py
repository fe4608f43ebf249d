"""Values that look like an instrument's, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "0123456789"
HEX = "0123456789abcdef"
BASES = "ACGT"


def generator(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - invented serial numbers, no secrets


def pick(chance: random.Random, characters: str, count: int) -> str:
    return "".join(chance.choices(characters, k=count))


def split_cycles(total: int | None, usual: Sequence[int]) -> tuple[int, int, int, int]:
    """Cycles of read 1, index 1, index 2, read 2, in all `total`; else the usual."""
    if total is None:
        read1, index1, index2, read2 = usual
        return read1, index1, index2, read2
    index = min(usual[1], total // 5)
    read1 = (total - 2 * index + 1) // 2
    return read1, index, index, total - 2 * index - read1


def sample_indexes(chance: random.Random, count: int, length: int) -> list[str]:
    """Different indexes; shorter than four bases there are not enough of them."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[pick(chance, BASES, max(length, 4))] = None
    return [index[:length] for index in found]
