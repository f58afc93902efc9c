"""How often the board's statistics are right, on made-up encoders whose truth is known.

    python -m benchmark.speed.simulate_statistics [--trials 100] [--write]

Five encoders are fine-tuned in each trial. They make mistakes that all share (hard texts), mistakes of their own, and
mistakes of one seed; seeds also differ as a whole, weakly (a quarter of the variance that the test rows cause) or
strongly (twice it), all encoders alike. Four of the five are equal. The first one is equal, too, or it differs by one
point, by two points, or by the gap that the board says it finds; it is better in every second trial and else worse.
`--write` puts the table between the markers of docs/statistics.md.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy import stats
from scipy.optimize import brentq

from benchmark.board.render import between_markers
from benchmark.statistics.intervals import interval_of
from benchmark.statistics.pair_tests import Evidence, gather, seeds_of
from benchmark.statistics.ranks import BETTER, EQUAL, compare_all
from benchmark.statistics.resampling import Draws, Scored, draw, points
from zoo.files import write_text

ENCODERS, BLOCK = 5, 20  # new draws of the rows for each block of trials are enough
SWAPS, RESAMPLED = 2000, 1000  # a variance needs fewer draws than a p-value of one in a thousand
OWN, LUCK = 0.4, 0.3
STRENGTHS = {"weak": 0.25, "strong": 2.0}  # the variance of seeds, compared with that of the test rows
PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
BEGIN, END = "<!-- simulation: made by `make bench-statistics` -->", "<!-- end of simulation -->"
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class World:
    """A task: so many test rows, the share of rows that have each label (none: one label of two for each row), and how
    well an encoder's score tells them. `share` of the trials are made of it, since a large one takes long."""

    name: str
    metric: str
    rows: int
    priors: tuple[float, ...]
    effect: float
    share: float = 1.0

    def truth(self, more: float, spread: float) -> float:
        """Return the metric over endless rows and seeds, from the normal distribution. `spread` is the standard
        deviation of the metric that is due to seeds."""
        quality = spread / self.slope(more)
        values = [self._value(self.effect + more + quality * node, self._cut(more)) for node in _NODES]
        return float(np.average(values, weights=_WEIGHTS))

    def slope(self, more: float) -> float:
        """Return how fast the metric rises with a seed's quality."""
        values = [self._value(self.effect + more + step, self._cut(more)) for step in (0.01, -0.01)]
        return (values[0] - values[1]) / 0.02

    def _value(self, effect: float, cut: np.ndarray) -> float:
        if not self.priors:
            return float(stats.norm.cdf(effect / _SD))
        prior = np.array(self.priors)
        found, wrong = stats.norm.sf(cut, effect, _SD), stats.norm.sf(cut, 0, _SD)
        return float(np.mean(2 * prior * found / (prior * (1 + found) + (1 - prior) * wrong)))

    def _cut(self, more: float) -> np.ndarray:
        """About an encoder's F1-optimal thresholds: where a label's chance is half of an F1 of 0.5."""
        prior, effect = np.array(self.priors), self.effect + more
        return effect / 2 + _SD**2 / effect * (np.log((1 - prior) / prior) - np.log(3))

    def encoders(
        self, rng: np.random.Generator, better: list[float], seeds: int, spread: float
    ) -> list[dict[int, Scored]]:
        """Return the runs by seed of one encoder for each of `better`, which is added to the gold label's effect. All
        of one call share the rows; encoders of equal `better` do not share their own mistakes."""
        width = max(1, len(self.priors))
        y_true = (rng.random((self.rows, width)) < (self.priors or (1.0,))).astype(np.int8)
        shared = rng.normal(size=y_true.shape)
        return [self._runs(rng, y_true, shared, more, seeds, spread) for more in better]

    def _runs(
        self, rng: np.random.Generator, y_true: np.ndarray, shared: np.ndarray, more: float, seeds: int, spread: float
    ) -> dict[int, Scored]:
        mine = shared + OWN * rng.normal(size=y_true.shape)
        each = self.effect + more + spread / self.slope(more) * rng.normal(size=(seeds, 1, 1))
        score = each * y_true + mine + LUCK * rng.normal(size=(seeds, *y_true.shape))
        if not self.priors:
            gold = np.tile(np.array([1, 0], np.int8), (self.rows, 1))
            decided = [np.hstack([row > 0, row <= 0]).astype(np.int8) for row in score]
            return {s: Scored("single_label_classification", gold, d.astype(float), d) for s, d in enumerate(decided)}
        decided = [(row > self._cut(more)).astype(np.int8) for row in score]
        return {s: Scored("multi_label_classification", y_true, score[s], d) for s, d in enumerate(decided)}


_SD = float(np.sqrt(1 + OWN**2 + LUCK**2))
WORLDS = (
    World("feedback-like", "f1_macro", 213, (0.3, 0.2, 0.2, 0.15, 0.15, 0.1, 0.1, 0.08), 2.6),
    World("sst2-like", "accuracy", 872, (), 1.37),
    World("10,000 rows", "accuracy", 10_000, (), 1.37, share=0.5),
    World("GoEmotions-like", "f1_macro", 5427, (*np.geomspace(0.005, 0.1, 27), 0.25), 2.6, share=0.2),
)


@cache
def _spread(world: World, strength: str) -> float:
    """The standard deviation over seeds that makes their variance so many times that of the rows."""
    rng, number = np.random.default_rng(0), 200 if world.share == 1 else 40
    values = [points([world.encoders(rng, [0.0], 1, 0.0)[0][0]], world.metric)[0] for _ in range(number)]
    return float(np.sqrt(STRENGTHS[strength] * np.var(values, ddof=1)))


def _better_by(world: World, gap: float, spread: float) -> float:
    """Return what to add to an encoder's effect for its metric to be higher by the gap, or lower."""
    base, end = world.truth(0, spread), 0.0
    while abs(world.truth(end, spread) - base) < abs(gap):
        end += 0.05 if gap > 0 else -0.05
    return float(brentq(lambda more: world.truth(more, spread) - base - gap, *sorted((0.0, end))))


def simulate(world: World, strength: str, seeds: int, trials: int) -> dict[str, Any]:
    """Return what so many trials show of one world: shares of trials, of intervals, or of pairs, and the gap that the
    board says it finds, in points (see `COLUMNS`)."""
    starts = range(0, trials, BLOCK)
    blocks = [simulate_block(world, strength, seeds, start, min(start + BLOCK, trials)) for start in starts]
    stated = _stated(world, _spread(world, strength), seeds)
    return {name: sum(each[name] for each in blocks) / trials for name in COLUMNS} | {"stated": 100 * stated}


def simulate_block(world: World, strength: str, seeds: int, start: int, end: int) -> dict[str, float]:
    """Return what the trials from `start` to `end` show: sums of shares, by the names of `COLUMNS`."""
    spread, rng = _spread(world, strength), np.random.default_rng([start, seeds, len(strength), world.rows])
    truth, counts, draws = world.truth(0, spread), dict.fromkeys(COLUMNS, 0.0), _draw(world, start)
    gaps = {"one": 0.01, "two": 0.02, "stated": _stated(world, spread, seeds)}
    better = [[_better_by(world, sign * gap, spread) for gap in gaps.values()] for sign in (1, -1)]
    for trial in range(start, end):
        made = world.encoders(rng, [0.0] * ENCODERS + better[trial % 2], seeds, spread)
        found = [gather(runs, world.metric, draws) for runs in made]
        equal, firsts = found[:ENCODERS], dict(zip(gaps, found[ENCODERS:], strict=True))
        pool, right = seeds_of(equal), BETTER[trial % 2]
        held = [interval_of(each.sample, pool, rng) for each in equal]
        counts["coverage"] += sum(each.low <= truth <= each.high for each in held) / ENCODERS
        null = _verdicts(equal, draws)
        counts["false better"] += any(each in BETTER for each in null)
        counts["right equal"] += null.count(EQUAL) / len(null)
        of = {name: _verdicts([first, *equal[1:]], draws)[: ENCODERS - 1] for name, first in firsts.items()}
        counts["wrong equal"] += EQUAL in of["one"]
        counts["power at 2"] += of["two"].count(right) / (ENCODERS - 1)
        counts["power at stated"] += of["stated"].count(right) / (ENCODERS - 1)
    return counts


COLUMNS = ("coverage", "false better", "wrong equal", "right equal", "power at 2", "power at stated")


def _draw(world: World, seed: int, swaps: int = SWAPS) -> Draws:
    swapped, resampled = draw(world.rows, swaps, seed), draw(world.rows, RESAMPLED, seed)
    return replace(swapped, signs=list(swapped.signs), counts=list(resampled.counts))  # kept, for they are used often


def _verdicts(found: list[Evidence], draws: Draws) -> list[str]:
    return list(compare_all({(str(i), ""): each for i, each in enumerate(found)}, draws.rng)["verdict"])


@cache
def _stated(world: World, spread: float, seeds: int, boards: int = 100) -> float:
    """Return the gap that boards of equal encoders say they find: the mean over many, for each knows the variance of
    seeds by 10 or 20 degrees of freedom alone."""
    rng, found = np.random.default_rng(1), []
    for board in range(boards):
        if board % BLOCK == 0:
            draws = _draw(world, 10**6 + board, swaps=4)  # of no use for the gap
        entries = [gather(runs, world.metric, draws) for runs in world.encoders(rng, [0.0] * ENCODERS, seeds, spread)]
        found.append(compare_all({(str(i), ""): each for i, each in enumerate(entries)}, draws.rng)["detectable"][0])
    return float(np.mean(found))


def markdown(rows: list[tuple[str, ...]]) -> str:
    """Return the table for docs/statistics.md."""
    return "\n".join(" | ".join(("", *row, "")).strip() for row in (HEADS, ("---",) * len(HEADS), *rows))


HEADS = (
    "like",
    "seeds",
    "seed effect",
    "boards",
    "interval holds the truth",
    'a false "better"',
    'a wrong "equal" (gap 1)',
    'pairs rightly "equal" (gap 0)',
    "power at 2 points",
    "stated gap",
    "power there",
)


def _row(world: World, seeds: int, strength: str, trials: int, found: dict[str, Any]) -> tuple[str, ...]:
    shares = [f"{100 * found[name]:.1f} %" for name in COLUMNS]
    return (
        world.name.removesuffix("-like"),
        str(seeds),
        strength,
        str(trials),
        *shares[:5],
        f"{found['stated']:.1f}",
        shares[5],
    )


def _all(cells: list[tuple[int, dict[str, Any]]]) -> tuple[str, ...]:
    """The mean over the trials of all cells, of what should be the same in each."""
    total = sum(number for number, _ in cells)
    coverage, better, power = (
        f"{100 * sum(number * found[name] for number, found in cells) / total:.1f} %"
        for name in ("coverage", "false better", "power at stated")
    )
    return "all", "", "", str(total), coverage, better, "", "", "", "", power


@app.command()
def main(
    trials: Annotated[int, typer.Option(min=1, help="Trials of the small worlds; large ones have fewer.")] = 100,
    write: Annotated[bool, typer.Option("--write", help="Put the table into docs/statistics.md.")] = False,
) -> None:
    """Simulate every world and print the table; `--write` puts it into the docs, too."""
    rows, cells = [], []
    with Progress(console=Console(stderr=True)) as progress:
        shown = progress.add_task("worlds", total=len(WORLDS) * 2 * len(STRENGTHS))
        for world, seeds, strength in product(WORLDS, (3, 5), STRENGTHS):
            number = max(1, round(trials * world.share))
            cells.append((number, simulate(world, strength, seeds, number)))
            rows.append(_row(world, seeds, strength, *cells[-1]))
            progress.advance(shown)
    rows.append(_all(cells))
    table = Table(*HEADS)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    if write:
        text = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, between_markers(PAGE, text, markdown(rows), BEGIN, END))


if __name__ == "__main__":
    app()
