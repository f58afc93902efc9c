"""Random draws of rows in blocks, which bound the memory: how often a resample has each row, and signs."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

BLOCK = 1000  # draws at most
CELLS = 2**23  # numbers at most in a block: 32 MiB in single precision
_KEPT = 2**25  # draws times rows; more counts than that are not kept, but drawn again whenever they are used


class _DrawnAnew(Sequence[np.ndarray]):
    """Blocks that are drawn again at every access, each from the saved state of the generator."""

    def __init__(self, make: Callable[..., np.ndarray], n: int, sizes: list[int], rng: np.random.Generator) -> None:
        self._make, self._n, self._sizes, self._states = make, n, sizes, list[Any]()
        for size in sizes:
            self._states.append(rng.bit_generator.state)
            make(n, size, rng)

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, at: Any) -> Any:
        rng = np.random.default_rng(0)
        rng.bit_generator.state = self._states[at]
        return self._make(self._n, self._sizes[at], rng)


class OfGroups(Sequence[np.ndarray]):
    """Blocks of draws of whole groups, as those of their rows: each row is drawn as often as its group."""

    def __init__(self, blocks: Sequence[np.ndarray], group: np.ndarray) -> None:
        self._blocks, self._group = blocks, group

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, at: Any) -> Any:
        return self._blocks[at][:, self._group]


@lru_cache(maxsize=4)  # the entries of a task share their draws
def drawn_blocks(n: int, number: int, seed: int, rows: int) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray], Any]:
    """Return the counts and the signs of `number` draws of n units, and the generator's state after them. Blocks are of
    the size that so many `rows` allow."""
    rng = np.random.default_rng(seed)
    sizes = list(_block_sizes(rows, number))
    signs = _DrawnAnew(_draw_signs, n, sizes, rng)
    counts = _DrawnAnew(_draw_counts, n, sizes, rng) if n * number > _KEPT else [_draw_counts(n, s, rng) for s in sizes]
    return counts, signs, rng.bit_generator.state


def _block_sizes(n: int, number: int) -> Iterator[int]:
    # NumPy takes four signs from one random number and drops the rest at the end of a call: hence multiples of four.
    most = min(BLOCK, max(4, CELLS // n // 4 * 4))
    for start in range(0, number, BLOCK):
        of_thousand = min(BLOCK, number - start)
        yield from (min(most, of_thousand - at) for at in range(0, of_thousand, most))


def _draw_signs(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2, (size, n), dtype=np.int8) * np.int8(2) - np.int8(1)


def _draw_counts(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    counts = np.empty((size, n), np.uint8)
    for count in counts:
        count[:] = np.minimum(np.bincount(rng.integers(0, n, n, dtype=np.int32), minlength=n), 255)
    return counts
