"""Search for a recipe: the same number of trials for every encoder, judged by validation rows alone.

The search is random (Bergstra and Bengio 2012), around the default recipe of the encoder; the first trial is that
default. The trials are independent of each other: an interrupted search goes on, and the best score of fewer trials
can be estimated (see `benchmark.statistics.expected_best`). Hopeless trials end early, by successive halving (Jamieson
and Talwalkar 2016).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.divergence import why_diverged
from benchmark.training.fine_tune import truncated_share
from benchmark.training.process import commit
from benchmark.training.recipes import Recipe, default_recipe, epochs_of
from benchmark.training.runs import Epoch, run_id
from benchmark.training.trainer import train
from benchmark.training.trials import Trial, pack, read_trials
from zoo.encoders.encoder import Encoder
from zoo.encoders.weights import Weights, fetch_weights
from zoo.errors import UserError
from zoo.files import write_text
from zoo.tokenizer import load_tokenizer

_SEED = 1_000_000  # of the first trial: none that a run on the board has
_RANGE = 4.0  # learning rates of a search go up to so many times the default's, and down to that part of it
_CUT = 0.01  # a search also tries twice the length where more texts than this are cut
_SAMPLE = 2000  # train texts that this is judged by
_LONGEST = 512  # tokens
RunReport = Callable[[float, str], None]


@dataclass(frozen=True)
class Search:
    """What is searched: an encoder on a task's rows; and the folder of the runs, which keeps the trials, too."""

    task: Task
    encoder: Encoder
    rows: Rows
    results: Path

    @property
    def name(self) -> str:
        return f"{self.task.name} / {self.encoder.name}"

    @property
    def file(self) -> Path:
        """Where the trials are kept: beside the encoder's runs."""
        search = run_id(self.encoder, self.task, self.rows.fingerprint, self.default)
        return self.results / self.task.name / self.encoder.name.replace("/", "--") / f"trials-{search}.jsonl"

    @property
    def default(self) -> Recipe:
        recipe = default_recipe(self.encoder, self.task, _SEED)
        if not isinstance(recipe, Recipe):
            raise UserError(f"'{self.encoder.name}' is not fine-tuned, so it cannot be tuned; leave it out")
        return recipe


def run_trials(search: Search, trials: int, report: Callable[[int, float, str], None]) -> list[Trial]:
    """Make the trials that are not made yet, and return the first `trials` of the search.

    Args:
        search: what is searched.
        trials: their number, the default recipe included.
        report: called with a trial's number, the share of it that is done, and a line to show or "".

    Raises:
        UserError: the weights are not at hand, or the search's file is damaged.
    """
    made = read_trials(search.file)
    if len(made) >= trials:
        return made[:trials]
    weights = fetch_weights(search.encoder)
    lengths = _lengths(search, weights)
    for number in range(len(made), trials):
        recipe = draw_recipe(search.default, number, len(search.rows.train), lengths)
        made.append(_run_trial(search, weights, number, recipe, made, partial(report, number)))
        write_text(search.file, "".join(f"{trial.model_dump_json()}\n" for trial in made))
        report(number, 1.0, _outcome(made[-1]))
    return made


def _lengths(search: Search, weights: Weights) -> tuple[int, ...]:
    """Return the lengths to try: the default's, and twice as much where it cuts texts."""
    default, texts = search.default, search.rows.train.texts[:_SAMPLE]
    if truncated_share(load_tokenizer(weights.folder), texts, default) <= _CUT:
        return (default.max_length,)
    return (default.max_length, min(2 * default.max_length, _LONGEST))


def draw_recipe(default: Recipe, number: int, rows: int, lengths: tuple[int, ...]) -> Recipe:
    """Return the recipe of a trial: the default for the first, and else one that depends on its number alone.

    The learning rate is drawn between a quarter of the default's and four times as much, evenly on a logarithmic scale;
    the epochs are half as many, as many or twice as many; a batch has 16, 32 or 64 of the `rows`.
    """
    epochs = epochs_of(default, rows)
    rng = np.random.default_rng([_SEED, number])
    drawn = {
        "learning_rate": float(default.learning_rate * _RANGE ** rng.uniform(-1, 1)),
        "epochs": int(rng.choice([math.ceil(epochs / 2), epochs, 2 * epochs])),
        "batch_size": int(rng.choice([16, 32, 64])),
        "max_length": int(rng.choice(lengths)),
    }
    changes = {"epochs": epochs, **(drawn if number else {}), "min_steps": 0, "seed": _SEED + number}
    return Recipe.model_validate(default.model_dump() | changes)


def _run_trial(
    search: Search, weights: Weights, number: int, recipe: Recipe, made: Sequence[Trial], report: RunReport
) -> Trial:
    stopped = False

    def goes_on(epochs: Sequence[Epoch]) -> bool:
        nonlocal stopped
        stopped = is_hopeless(epochs, recipe.epochs, made)
        return not stopped

    report(0.0, _asked(recipe))
    rows = search.rows
    trained = train(weights, search.task, rows.train, rows.validation, recipe, report, goes_on)
    scored = trained.validation
    diverged = why_diverged(trained.epochs, trained.logits, scored.y_true, search.task.multi_label)
    return Trial(
        task=search.task.name,
        encoder=search.encoder.name,
        number=number,
        state="pruned" if stopped else "diverged" if diverged else "complete",
        recipe=recipe,
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        main_metric=trained.epochs[trained.best_epoch - 1].main_metric,
        decided=pack(scored.y_pred),
        seconds=trained.seconds,
        commit=commit(),
    )


def is_hopeless(epochs: Sequence[Epoch], planned: int, made: Sequence[Trial]) -> bool:
    """Return whether a training of `planned` epochs is to end early: successive halving by a factor of two.

    At a quarter and at half of the epochs, it ends if at least half of the earlier trials were better there. Two trials
    at least must have come so far.
    """
    share = len(epochs) / planned
    for stage in (0.5, 0.25):
        if share - 1 / planned < stage <= share < 1:
            others = [at for trial in made if (at := _score_at(trial, stage)) is not None]
            better = sum(score > epochs[-1].main_metric for score in others)
            return len(others) > 1 and better >= len(others) / 2
    return False


def _score_at(trial: Trial, share: float) -> float | None:
    """Return a trial's score after that share of its epochs; None if it ended before."""
    needed = math.ceil(share * trial.recipe.epochs)
    return trial.epochs[needed - 1].main_metric if len(trial.epochs) >= needed else None


def _asked(recipe: Recipe) -> str:
    return (
        f"learning rate {recipe.learning_rate:.2g}, {recipe.epochs} epochs, batches of {recipe.batch_size}, "
        f"{recipe.max_length} tokens"
    )


def _outcome(trial: Trial) -> str:
    ended = "" if trial.state == "complete" else f", {trial.state}"
    return f"trial {trial.number + 1}: validation {trial.main_metric:.4f}, {trial.seconds:.0f} s{ended}"
