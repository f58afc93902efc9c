"""How fast a trained model answers: one text at a time and in batches, at fixed lengths."""

import time
from collections.abc import Callable, Iterable

import numpy as np

from benchmark.training.runs import Latency

LENGTHS = (16, 64, 128)
BATCH_SIZE = 32
SINGLES, BATCHES = 40, 3
LEAST, SECONDS = 5, 3.0  # a slow model gets fewer single texts, as many as so many seconds hold, and one batch


def measure_latency(
    answer: Callable[[list[str], int], object],
    texts: Iterable[str],
    most: int | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> tuple[Latency, ...]:
    """Time `answer` at each of `LENGTHS`, after one call that is not counted.

    There are SINGLES calls with one text and BATCHES with BATCH_SIZE of them at each length. A slow model gets fewer,
    so that they take a small share of its run.

    A length that cannot be measured is left out and told: the model is trained by now, and its run must not be lost.

    Args:
        answer: predicts texts, cut to a length, from text to logits. The length is in tokens, or for the baseline in
            words or characters.
        texts: what to predict; they are joined, so that every length is reached.
        most: the length that the model reads at most; None if any.
        say: called with a line for each length that is left out.
    """
    found = []
    for length, text in _long_texts(texts):
        if most is not None and length > most:
            say(f"the latency at {length} tokens is not measured: the model reads {most} at most")
            continue
        try:
            found.append(_at_length(answer, text, length))
        except Exception as error:  # whatever the reason, such as too little memory for a batch
            say(f"the latency at {length} tokens is not measured: {str(error).partition(chr(10))[0]}")
    return tuple(found)


def _long_texts(texts: Iterable[str]) -> Iterable[tuple[int, str]]:
    """Yield each length with a text that has more tokens and words than that: 16 characters for each."""
    joined = " ".join(texts) + " "
    for length in LENGTHS:
        wanted = 16 * length
        yield length, (joined * (wanted // len(joined) + 1))[:wanted]


def _at_length(answer: Callable[[list[str], int], object], text: str, length: int) -> Latency:
    first = _seconds(answer, [text], length)
    singles = [_seconds(answer, [text], length) for _ in range(_repeats(SINGLES, LEAST, first))]
    batches = [_seconds(answer, [text] * BATCH_SIZE, length)]
    batches += [_seconds(answer, [text] * BATCH_SIZE, length) for _ in range(_repeats(BATCHES, 1, batches[0]) - 1)]
    p50, p95 = 1000 * np.quantile(singles, (0.5, 0.95))
    return Latency(
        length=length, p50_ms=float(p50), p95_ms=float(p95), texts_per_second=BATCH_SIZE / float(np.median(batches))
    )


def _repeats(most: int, least: int, seconds: float) -> int:
    """Return how often a call of so many seconds is made."""
    return max(min(most, least), min(most, int(SECONDS / max(seconds, 1e-9))))


def _seconds(answer: Callable[[list[str], int], object], texts: list[str], length: int) -> float:
    start = time.perf_counter()
    answer(texts, length)
    return time.perf_counter() - start
