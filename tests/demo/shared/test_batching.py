"""Requests that come while the worker is busy are answered together, in order; one that comes alone at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from demo.shared.batching import Batcher


def _wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_came_meanwhile_is_answered_together_in_order_and_within_the_bound() -> None:
    go, batches = Event(), []

    def work(numbers: list[int]) -> list[int]:
        batches.append(numbers)
        go.wait(10)
        return [number * number for number in numbers]

    ask: Batcher[int, int] = Batcher(work, 4)
    with ThreadPoolExecutor(10) as callers:
        answers = []
        for number in range(10):
            answers.append(callers.submit(ask, number))
            _wait_until(lambda: batches)  # the first is under way before the second comes
            _wait_until(lambda number=number: len(ask._waiting) == number)
        go.set()
        assert [answer.result(10) for answer in answers] == [number * number for number in range(10)]
    assert batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]]


def test_what_the_work_raises_reaches_its_callers_and_nobody_after_them() -> None:
    def work(numbers: list[int]) -> list[int]:
        if 13 in numbers:
            raise ValueError("thirteen")
        return numbers

    ask: Batcher[int, int] = Batcher(work, 4)
    assert ask(1) == 1
    with pytest.raises(ValueError, match="thirteen"):
        ask(13)
    assert ask(2) == 2
