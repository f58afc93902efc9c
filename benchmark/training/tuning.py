"""Search for a recipe: the same number of trials for every encoder, judged by validation rows alone.

The search is random (Bergstra and Bengio 2012), around the default recipe of the encoder; the first trial is that
default. The recipes are drawn independently: an interrupted search goes on, and the best score of fewer trials can be
estimated (see `benchmark.statistics.expected_best`). Hopeless trials end early, by successive halving (Jamieson
and Talwalkar 2016).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.cell import Cell, Keep, checked_weights
from benchmark.training.divergence import why_diverged
from benchmark.training.fine_tune import truncated_share
from benchmark.training.line_cells import join, line_cell, write_line
from benchmark.training.process import commit
from benchmark.training.recipes import Recipe, default_recipe, epochs_of, in_words
from benchmark.training.runs import Epoch, RunReport, encoder_folder, run_id
from benchmark.training.trainer import train
from benchmark.training.trials import Trial, pack, read_trials
from zoo.checkpoints.pretrained import check_without_weights, count_positions
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError
from zoo.tokenizer import load_tokenizer

_SEED = 1_000_000  # of the first trial: none that a run on the board has
_RANGE = 4.0  # learning rates of a search go up to so many times the default's, and down to that part of it
_CUT = 0.01  # a search also tries twice the length where more texts than this are cut
_SAMPLE = 2000  # train texts that this is judged by


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
        return encoder_folder(self.results, self.task.name, self.encoder.name) / f"trials-{search}.jsonl"

    @property
    def default(self) -> Recipe:
        recipe = default_recipe(self.encoder, self.task, _SEED)
        if not isinstance(recipe, Recipe):
            raise UserError(f"'{self.encoder.name}' is not fine-tuned, so it cannot be tuned; leave it out")
        return recipe


def run_trials(searches: Sequence[Search], trials: int, run: Callable[[list[Cell]], object]) -> list[list[Trial]]:
    """Make the trials that are not made yet, and return the first `trials` of each search.

    They are made in rounds, each as large as all before it together. A trial ends early by those of earlier rounds
    alone, so it is the same whichever of its round ends first.

    Args:
        searches: what is searched.
        trials: the number of each one's trials, the default recipe included.
        run: runs the cells of a round, here or elsewhere.

    Raises:
        UserError: the weights are not at hand, a search's file is damaged, or another process is still at a trial.
    """
    for first, last in rounds(trials):
        if cells := [cell for search in searches for cell in _cells(search, first, last)]:
            run(cells)
        for search in searches:
            if (made := join(search.file, last)) < last:
                raise UserError(
                    f"{search.name}: trial {made + 1} is still made by another process; run the same command again "
                    "when it has ended"
                )
    return [read_trials(search.file)[:trials] for search in searches]


def rounds(trials: int) -> list[tuple[int, int]]:
    """Return the first number of each round, and the one behind its last: 0 to 2, 2 to 4, 4 to 8, and so on."""
    ends = [0, 2]
    while ends[-1] < trials:
        ends.append(2 * ends[-1])
    return list(pairwise(min(end, trials) for end in ends))


def _cells(search: Search, first: int, last: int) -> list[Cell]:
    """Return a cell for each trial of a round that is not made yet."""
    made = read_trials(search.file)
    if len(made) >= last:
        return []
    lengths = lengths_to_try(search)
    return [
        line_cell(
            search.file,
            number,
            f"trial {number + 1}",
            search.task,
            search.encoder,
            draw_recipe(search.default, number, len(search.rows.train), lengths),
            search.rows,
            partial(_make_trial, number, made[:first]),
        )
        for number in range(len(made), last)
    ]


def lengths_to_try(search: Search) -> tuple[int, ...]:
    """Return the default's length, and where it cuts texts twice as much, or what the encoder can read.

    Raises:
        UserError: the encoder cannot read texts of the default's length.
    """
    default, texts = search.default, search.rows.train.texts[:_SAMPLE]
    folder, twice = checked_weights(search.encoder, default).folder, 2 * default.max_length
    if truncated_share(load_tokenizer(folder), texts, default) <= _CUT:
        return (default.max_length,)
    room = count_positions(check_without_weights(folder, default.max_length))
    return (default.max_length, min(twice, room or twice))


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


def _make_trial(number: int, earlier: Sequence[Trial], cell: Cell, report: RunReport, keep: Keep | None) -> None:
    recipe, rows, stopped = cell.recipe, cell.rows, False
    assert isinstance(recipe, Recipe)
    planned = recipe.epochs

    def goes_on(epochs: Sequence[Epoch]) -> bool:
        nonlocal stopped
        stopped = is_hopeless(epochs, planned, earlier)
        return not stopped

    report(0.0, in_words(recipe))
    weights = checked_weights(cell.encoder, recipe)
    trained = train(weights, cell.task, rows.train, rows.validation, recipe, report, goes_on, cell.memory)
    scored = trained.validation
    diverged = why_diverged(trained.epochs, trained.logits, scored.y_true, cell.task.multi_label)
    trial = Trial(
        task=cell.task.name,
        encoder=cell.encoder.name,
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
    write_line(cell.folder, trial)
    report(1.0, _outcome(trial))


def is_hopeless(epochs: Sequence[Epoch], planned: int, made: Sequence[Trial]) -> bool:
    """Return whether a training of `planned` epochs is to end early: successive halving by a factor of two.

    At a quarter and at half of the epochs, it ends if at least half of the trials `made` were better there. Two of them
    at least must have come so far.
    """
    for stage in (0.5, 0.25):
        if len(epochs) == math.ceil(stage * planned) < planned:
            others = [at for trial in made if (at := _score_at(trial, stage)) is not None]
            better = sum(score > epochs[-1].main_metric for score in others)
            return len(others) > 1 and better >= len(others) / 2
    return False


def _score_at(trial: Trial, share: float) -> float | None:
    """Return a trial's score after that share of its epochs; None if it ended before."""
    needed = math.ceil(share * trial.recipe.epochs)
    return trial.epochs[needed - 1].main_metric if len(trial.epochs) >= needed else None


def _outcome(trial: Trial) -> str:
    ended = "" if trial.state == "complete" else f", {trial.state}"
    return f"trial {trial.number + 1}: validation {trial.main_metric:.4f}, {trial.seconds:.0f} s{ended}"
