"""Answers requests together: one worker takes all that came while it was busy. A request that comes alone waits for
nobody."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Batcher(Generic[Request, Answer]):
    """Call it with a request, from any thread; it returns the answer. As many can wait as threads call it.

    `work` gets up to `most` requests, in the order in which they came, and returns an answer for each. What it raises,
    all of these callers get.
    """

    def __init__(self, work: Callable[[list[Request]], list[Answer]], most: int) -> None:
        self._work, self._most = work, most
        self._waiting: deque[tuple[Request, Future[Answer]]] = deque()
        self._worker = ThreadPoolExecutor(1, "batches")

    def __call__(self, request: Request) -> Answer:
        answer: Future[Answer] = Future()
        self._waiting.append((request, answer))
        # In the context of a request, from which ZeroGPU reads whose GPU it is.
        self._worker.submit(copy_context().run, self._serve)
        return answer.result()

    def _serve(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
        if not batch:
            return  # an earlier batch had the request
        try:
            answers = self._work([request for request, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
