"""Work that may hang; a thread that waits for an event stands in for a dead disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from seqhub.lib.patience import MAX_HANGING, TimedOut, patient, within


def test_it_gives_what_the_work_gives() -> None:
    assert within(10, "here", divmod, 7, 3) == (2, 1)
    assert list(patient(10, "here", range(100))) == list(range(100))
    assert list(patient(10, "here", [])) == []
    assert list(patient(10, "here", [None, None])) == [None, None]


def test_it_raises_what_the_work_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        within(10, "here", divmod, 1, 0)

    def two_and_out() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("out")

    numbers = patient(10, "here", two_and_out())
    assert [next(numbers), next(numbers)] == [1, 2]
    with pytest.raises(ValueError, match="out"):
        next(numbers)


def test_the_work_is_done_in_another_thread() -> None:
    assert within(10, "here", threading.get_ident) != threading.get_ident()


def test_what_hangs_is_given_up_and_its_place_left_alone() -> None:
    answers = threading.Event()
    try:
        for _ in range(MAX_HANGING):
            with pytest.raises(TimedOut, match="did not answer"):
                within(0.01, "there", answers.wait)
        with pytest.raises(TimedOut, match="still does not answer"):
            within(60, "there", int)
        # Other places are not to blame.
        assert within(60, "elsewhere", int) == 0
    finally:
        answers.set()
    for thread in threading.enumerate():
        if thread.daemon:
            thread.join(5)
    assert within(60, "there", int) == 0


def test_work_that_nobody_waits_for_any_longer_ends() -> None:
    made = []

    def endless() -> Iterator[int]:
        while True:
            made.append(1)
            yield 1

    before = set(threading.enumerate())
    for _ in patient(10, "here", endless()):
        break
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    assert len(made) < 100
