"""Learning curves: the score by the number of train rows, and what twice as many would bring.

Each encoder is trained on 1/8, 1/4, 1/2 and all of the train rows. The smaller sets are parts of the larger ones,
stratified by label. Validation and test stay whole. The runs stand in a folder that no leaderboard reads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from benchmark.statistics.intervals import RESAMPLES
from benchmark.statistics.metrics import bounds
from benchmark.statistics.resampling import Scored, draw, points, resample, weighted_sums
from benchmark.statistics.seeds import scored_on_test
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, fingerprint, take
from benchmark.tasks.splits import stratify
from benchmark.training.cell import Cell
from benchmark.training.grid import plan
from benchmark.training.runs import CURVES, read_run
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError

SHARES = np.array([1 / 8, 1 / 4, 1 / 2, 1.0])
_EXPONENTS = np.geomspace(0.05, 2, 150)


@dataclass(frozen=True)
class Step:
    """One training of a curve: on a `share` of the train rows, which the seed draws, too."""

    seed: int
    share: float
    cell: Cell


def steps(task: Task, rows: Rows, encoders: Sequence[Encoder], seeds: Iterable[int], results: Path) -> list[Step]:
    """Return the trainings of the curves of `encoders`, seed by seed.

    A seed draws the parts of the train rows, too. A run on all rows that `results` has already is taken from there.
    What does not depend on the seed is run on all rows once.
    """
    found, first = [], min(seeds := list(seeds))
    for seed in seeds:
        for share, part in subsets(rows, seed).items():
            for encoder in encoders:
                own = seed if share < 1 or encoder.seeded else first
                (cell,) = plan({task: part}, [encoder], [own], results / CURVES)
                if share == 1:
                    (ranked,) = plan({task: part}, [encoder], [own], results)
                    cell = ranked if ranked.done else cell
                found.append(Step(seed, share, cell))
    return found


def subsets(rows: Rows, seed: int) -> dict[float, Rows]:
    """Return the rows with each of SHARES of the train rows, iteratively stratified; each holds the one before."""
    train = rows.train
    part = stratify(csr_array(train.y_true), np.arange(len(train)), np.diff(SHARES, prepend=0).tolist(), seed)
    return {share: rows if share == 1 else _first(rows, part <= at) for at, share in enumerate(SHARES.tolist())}


def _first(rows: Rows, chosen: np.ndarray) -> Rows:
    train = take(rows.train, np.flatnonzero(chosen))
    return replace(rows, train=train, fingerprint=fingerprint(train, rows.validation, rows.test))


@dataclass(frozen=True)
class Gain:
    """A gain in the metric's own unit, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Curve:
    """The curve of one encoder: what each run on each share said of the test rows.

    `scored[seed][share]` is in the order of SHARES. `sizes` are the mean numbers of train rows, shape (shares,).
    """

    task: Task
    encoder: str
    sizes: np.ndarray
    scored: tuple[tuple[Scored, ...], ...]
    train_rows: np.ndarray  # of each label, shape (num_labels,)
    groups: np.ndarray | None = None  # of the test rows, shape (n,), where rows belong together

    @cached_property
    def _seeds(self) -> np.ndarray:
        """Which seeds each resample has, shape (resamples, seeds)."""
        number = len(self.scored)
        return np.random.default_rng(0).integers(0, number, (RESAMPLES, number))

    def _mean(self, of_seeds: np.ndarray) -> np.ndarray:
        """Return the mean over the seeds of each resample, of values of shape (resamples, seeds, ...)."""
        return of_seeds[np.arange(RESAMPLES)[:, None], self._seeds].mean(axis=1)

    @property
    def _runs(self) -> list[Scored]:
        return [each for of_seed in self.scored for each in of_seed]

    @cached_property
    def values(self) -> np.ndarray:
        """The main metric on test, the mean over the seeds, shape (shares,)."""
        found: np.ndarray = points(self._runs, self.task.main_metric).reshape(-1, len(SHARES)).mean(axis=0)
        return found

    @cached_property
    def resampled(self) -> np.ndarray:
        """The same in resamples of the test rows and of the seeds, shape (resamples, shares)."""
        metric = self.task.main_metric
        drawn = resample(self._runs, [metric], draw(len(self._runs[0].y_true), RESAMPLES, groups=self.groups))[metric]
        return self._mean(drawn.reshape(RESAMPLES, -1, len(SHARES)))

    @cached_property
    def law(self) -> np.ndarray:
        """The fitted power law, as `power_law` returns it, shape (3,)."""
        return power_law(self.values[None])[0]

    @cached_property
    def laws(self) -> np.ndarray:
        """The power laws of the resamples, shape (resamples, 3)."""
        return power_law(self.resampled)

    @cached_property
    def doubled(self) -> Gain:
        """What twice the train rows would bring: no more than the metric's highest value leaves room for."""
        value = predict(self.law[None], 2.0) - predict(self.law[None], 1.0)
        low, high = np.quantile(predict(self.laws, 2.0) - predict(self.laws, 1.0), (0.025, 0.975))
        room = bounds(self.task.main_metric)[1] - self.values[-1]
        return Gain(*np.minimum([value[0], low, high], room).tolist())

    @cached_property
    def labels(self) -> pd.DataFrame:
        """What the last doubling of the train rows brought to the F1 of each label, the most first.

        Columns: label, train (rows with it), f1 (with all train rows), gain, low, high.
        """
        counts = np.stack([[_counts(of_seed[at]) for at in (-2, -1)] for of_seed in self.scored])
        on_test = _f1(counts.sum(axis=2)).mean(axis=0)
        sums = weighted_sums(
            draw(counts.shape[2], RESAMPLES, groups=self.groups).counts,
            np.moveaxis(counts, 2, 0).reshape(counts.shape[2], -1),
        )
        drawn = self._mean(_f1(sums.reshape(RESAMPLES, *counts.shape[:2], *counts.shape[3:])))
        low, high = np.quantile(drawn[:, 1] - drawn[:, 0], (0.025, 0.975), axis=0)
        table = pd.DataFrame(
            {
                "label": self.task.labels,
                "train": self.train_rows,
                "f1": on_test[1],
                "gain": on_test[1] - on_test[0],
                "low": low,
                "high": high,
            }
        )
        return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _counts(scored: Scored) -> np.ndarray:
    """Hits, decided and gold, shape (n, num_labels, 3)."""
    return np.stack([scored.y_true & scored.y_pred, scored.y_pred, scored.y_true], axis=-1)


def _f1(sums: np.ndarray) -> np.ndarray:
    hits, decided, gold = np.moveaxis(sums.astype(float), -1, 0)
    return np.divide(2 * hits, decided + gold, out=np.zeros_like(hits), where=decided + gold > 0)


def curves(task: Task, trained: Sequence[Step]) -> list[Curve]:
    """Return the curves of complete runs, in the order of their encoders."""
    by_encoder: dict[str, list[Step]] = {}
    for step in trained:
        by_encoder.setdefault(step.cell.encoder.name, []).append(step)
    return [_curve(task, found) for found in by_encoder.values()]


def _curve(task: Task, trained: Sequence[Step]) -> Curve:
    seeds = dict.fromkeys(step.seed for step in trained)
    by = {(step.seed, step.share): step for step in trained}
    scored = tuple(tuple(_scored(task, by[seed, share].cell) for share in SHARES.tolist()) for seed in seeds)
    sizes = np.array([np.mean([len(by[seed, share].cell.rows.train) for seed in seeds]) for share in SHARES.tolist()])
    rows = by[next(iter(seeds)), 1.0].cell.rows
    return Curve(task, trained[0].cell.encoder.name, sizes, scored, rows.train.y_true.sum(axis=0), rows.test.groups)


def _scored(task: Task, cell: Cell) -> Scored:
    run = read_run(cell.folder)
    if run.info.diverged:
        raise UserError(f"{cell.name} diverged ({run.info.diverged}), so its curve has a gap; leave the encoder out")
    return scored_on_test(task, run.predictions)


def power_law(values: np.ndarray) -> np.ndarray:
    """Fit a - b * share ** -c by least squares to scores at SHARES, shape (n, shares).

    Power laws describe learning curves better than most other forms do (Viering and Loog 2022, "The Shape of Learning
    Curves"). a is at most 1 and b at least 0, so the score never falls; c is one of 150 values from 0.05 to 2.

    Returns:
        a, b and c of each row, shape (n, 3).
    """
    best, least = np.zeros((len(values), 3)), np.full(len(values), np.inf)
    for c in _EXPONENTS:
        falls = SHARES**-c
        centred = falls - falls.mean()
        b = np.maximum(-(values * centred).sum(axis=1) / (centred**2).sum(), 0)
        a = values.mean(axis=1) + b * falls.mean()
        b = np.where(a > 1, ((1 - values) * falls).sum(axis=1) / (falls**2).sum(), b)
        a = np.minimum(a, 1)
        error = ((values - a[:, None] + b[:, None] * falls) ** 2).sum(axis=1)
        better = error < least
        best[better], least[better] = np.column_stack([a, b, np.full(len(a), c)])[better], error[better]
    return best


def predict(laws: np.ndarray, share: float) -> np.ndarray:
    """Return the scores that power laws, shape (n, 3), give for a share of the train rows, shape (n,)."""
    a, b, c = laws.T
    found: np.ndarray = a - b * share**-c
    return found
