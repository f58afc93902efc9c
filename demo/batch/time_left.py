"""How far a batch is, in rows, and how long it will still take."""

from time import perf_counter

import numpy as np

from demo.shared.texts import Language, say

_EACH = 40  # characters; what a text costs whatever its length


class Progress:
    """Counts the rows of each checkpoint as `demo.batch.handlers.classify_rows` tells them."""

    def __init__(self, texts: list[str], names: list[str]) -> None:
        self.rows, self.names = len(texts), names
        # Short texts come first and take less time, so the work is counted in characters.
        work = np.cumsum(np.sort([len(text) + _EACH for text in texts]))
        self._share = work / work[-1]
        self._first: tuple[float, float] | None = None

    def __call__(self, done: int, language: Language) -> tuple[str, float]:
        """Return what is said after `done` pairs of a text and a checkpoint, and the share of the work that is done."""
        before, rows = divmod(done - 1, self.rows)
        share = (before + float(self._share[rows])) / len(self.names)
        line = say(
            "batch_progress",
            language,
            rows=f"{rows + 1:,}",
            all=f"{self.rows:,}",
            name=self.names[before],
            at=before + 1,
            models=len(self.names),
        )
        left = self._left(share)
        if left is not None:
            line += " " + (
                say("batch_minutes_left", language, minutes=round(left / 60))
                if left >= 90
                else say("batch_seconds_left", language, seconds=max(round(left), 1))
            )
        return line, share

    def _left(self, share: float) -> float | None:
        """Seconds; None before two steps are known. The models are loaded before the first one."""
        now = perf_counter()
        if self._first is None:
            self._first = (now, share)
        start, at = self._first
        return (now - start) / (share - at) * (1 - share) if share > at and share < 1 else None
