"""Whether `encoder-zoo suggest` finds texts that are worth more than random ones, simulated with a probe.

    python -m benchmark.speed.simulate_labelling [--task feedback] [--encoder minilm-l6] [--trials 20]

In each trial START random train texts have labels. In each of ROUNDS rounds a probe is trained on them, and STEP more
texts are chosen, whose labels are then known. Validation chooses the probe's regularisation and fits its thresholds, so
all strategies know the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmark.more_labels.suggest import choose, uncertainty
from benchmark.statistics.fit_decision import fit_decision
from benchmark.statistics.resampling import points
from benchmark.statistics.seeds import score
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, Split, read_rows
from benchmark.training.baseline import logits_of, modelled, train_label
from benchmark.training.probe import load_states
from zoo.decision import Decision
from zoo.encoders.registry import ENCODERS
from zoo.encoders.weights import fetch_weights
from zoo.errors import lookup

START, STEP, ROUNDS = 24, 16, 6
CANDIDATES = (0.001, 0.01, 0.1)
MOST = 3000  # rows of a part
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Strategy = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]  # states, uncertainty -> rows

STRATEGIES: dict[str, Strategy] = {
    "random": lambda states, unsure, rng: rng.choice(len(states), STEP, replace=False),
    "most unsure": lambda states, unsure, rng: np.argsort(-unsure, kind="stable")[:STEP],
    "suggest": lambda states, unsure, rng: choose(states, unsure, STEP, int(rng.integers(1000))),
}


@dataclass(frozen=True, eq=False)
class Pool:
    """A task's rows with their scaled states, for train, validation and test."""

    task: Task
    states: tuple[np.ndarray, np.ndarray, np.ndarray]
    y_true: tuple[np.ndarray, np.ndarray, np.ndarray]

    def fit(self, known: np.ndarray) -> tuple[list[LogisticRegression | float], Decision]:
        """Return the best probe by validation of those that some train rows give, and its decision."""
        found = [self._fit(known, inverse) for inverse in CANDIDATES]
        return max(found, key=lambda each: self.score(each[0], each[1], 1))

    def _fit(self, known: np.ndarray, inverse: float) -> tuple[list[LogisticRegression | float], Decision]:
        models = [
            train_label(
                self.states[0][known], self.y_true[0][known, label], LogisticRegression(C=inverse, max_iter=500)
            )
            for label in modelled(self.task)
        ]
        logits = logits_of(models, self.states[1], self.task)
        task = self.task
        return models, fit_decision(task.problem_type, logits, self.y_true[1], task.rule, task.average)

    def score(self, models: list[LogisticRegression | float], decision: Decision, part: int) -> float:
        """Return the main metric on a part: 1 is validation, 2 is test."""
        logits = logits_of(models, self.states[part], self.task)
        return float(points([score(decision, logits, self.y_true[part])], self.task.main_metric)[0])

    def trial(self, strategy: Strategy, seed: int) -> list[float]:
        """Return the score on test at the start and after each round."""
        rng = np.random.default_rng(seed)
        known = rng.permutation(len(self.states[0]))[:START]
        scores = []
        for _ in range(ROUNDS):
            models, decision = self.fit(known)
            scores.append(self.score(models, decision, 2))
            left = np.setdiff1d(np.arange(len(self.states[0])), known)
            y_score = decision.scores(logits_of(models, self.states[0][left], self.task))
            chosen = strategy(self.states[0][left], uncertainty(self.task.problem_type, y_score), rng)
            known = np.concatenate([known, left[chosen]])
        return [*scores, self.score(*self.fit(known), part=2)]


def make_pool(task: Task, rows: Rows, encoder: str) -> Pool:
    """Return the rows with the encoder's states; of a large part MOST random rows."""
    rng = np.random.default_rng(0)
    parts = [_some(split, rng) for split in (rows.train, rows.validation, rows.test)]
    states = load_states(fetch_weights(lookup(ENCODERS, encoder, "encoder")), task)
    train, validation, test = (states(part.texts, 128) for part in parts)
    scaler = StandardScaler().fit(train)
    a, b, c = (part.y_true for part in parts)
    return Pool(task, (scaler.transform(train), scaler.transform(validation), scaler.transform(test)), (a, b, c))


def _some(split: Split, rng: np.random.Generator) -> Split:
    chosen = np.sort(rng.permutation(len(split))[:MOST])
    return Split([split.texts[row] for row in chosen], split.y_true[chosen])


@app.command()
def main(
    task: Annotated[str, typer.Option()] = "feedback",
    encoder: Annotated[str, typer.Option()] = "minilm-l6",
    trials: Annotated[int, typer.Option(min=2)] = 20,
    data_dir: Annotated[Path | None, typer.Option(envvar="ENCODER_ZOO_DATA")] = None,
) -> None:
    """Simulate labelling with each strategy, and print the mean scores and the gains over random texts."""
    torch.set_num_threads(1)
    chosen = lookup(TASKS, task, "task")
    pool = make_pool(chosen, read_rows(chosen, data_dir), encoder)
    scores = {name: np.array([pool.trial(each, seed) for seed in range(trials)]) for name, each in STRATEGIES.items()}
    table = Table("texts chosen by", *(f"{START + STEP * number}" for number in range(ROUNDS + 1)), "gain [95 %]")
    for name, found in scores.items():
        gains = 100 * (found - scores["random"])[:, 1:].mean(axis=1)
        half = stats.t.ppf(0.975, trials - 1) * gains.std(ddof=1) / np.sqrt(trials)
        gain = f"{gains.mean():+.1f} [{gains.mean() - half:.1f}, {gains.mean() + half:.1f}]" if name != "random" else ""
        table.add_row(name, *(f"{value:.1f}" for value in 100 * found.mean(axis=0)), gain)
    Console().print(f"{task}: {chosen.main_metric} on test in points, by labelled texts; the mean of {trials} trials")
    Console().print(table)


if __name__ == "__main__":
    app()
