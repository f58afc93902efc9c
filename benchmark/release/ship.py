"""From runs to checkpoints: each run's own, and the best of each (task, encoder), made small for the app."""

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from benchmark.release.card import write_card, write_cards
from benchmark.statistics.fit_decision import fit_decision
from benchmark.tasks.registry import Task
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Predictions, Run, RunInfo, as_stored, read_runs
from zoo.checkpoints.checkpoint import CheckpointInfo
from zoo.checkpoints.loading import compress_checkpoint, save_checkpoint
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError


def save_run_checkpoint(
    target: Path,
    info: RunInfo,
    task: Task,
    predictions: Predictions,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Write the checkpoint of a run that has just ended; one that is there already stays.

    Its decision is fitted on the logits as the run stores them, so that it is the leaderboard's to the last digit.
    """
    assert isinstance(info.recipe, Recipe)
    predictions = as_stored(predictions)
    decision = fit_decision(
        task.problem_type, predictions.validation_logits, predictions.validation_y_true, task.rule, task.average
    )
    checkpoint = CheckpointInfo(
        task=task.name,
        problem_type=task.problem_type,
        language=task.language,
        labels=task.labels,
        encoder=info.encoder,
        revision=info.revision,
        max_length=info.recipe.max_length,
        long_text=info.recipe.long_text,
        pooling=info.recipe.pooling,
        run=info.id,
    )
    card = write_card(Run(info, predictions, target), task)
    save_checkpoint(target, checkpoint, decision, model, tokenizer, card)


def checkpoint_folder(root: Path, run_folder: Path) -> Path:
    """Return where the checkpoint of the run in `run_folder` stands below `root`."""
    return root / run_folder.parent.parent.name / f"{run_folder.parent.name}-{run_folder.name}"


def ship_best(results: Path, trained: Path, shipped: Path, tasks: set[str], bits: int) -> list[Path]:
    """Write the checkpoint of each (task, encoder)'s best run by validation, made small, to `shipped`.

    Args:
        results: the runs.
        trained: where the grid kept its checkpoints.
        shipped: where they go, as `<task>/<encoder>`.
        tasks: which tasks' checkpoints to write.
        bits: 3, 4 or 8, for each weight of a matrix.

    Returns:
        The folders written.
    """
    best: dict[tuple[str, str], Run] = {}
    for run in read_runs(results):
        if run.info.task in tasks and checkpoint_folder(trained, run.folder).is_dir():
            key = (run.info.task, run.folder.parent.name)
            best[key] = max(best.get(key, run), run, key=_validation_score)
    if not best:
        raise UserError(
            f"No run in {results} has its checkpoint in {trained}; run the grid with --checkpoints {trained}"
        )
    written = []
    for (task, encoder), run in best.items():
        if run.info.encoder not in ENCODERS:
            raise UserError(
                f"'{run.info.encoder}' is no encoder of the registry, so its checkpoint cannot be shipped as a "
                f"difference to it; take the whole one in {checkpoint_folder(trained, run.folder)}"
            )
        compress_checkpoint(checkpoint_folder(trained, run.folder), shipped / task / encoder, bits)
        written.append(shipped / task / encoder)
    write_cards(shipped, results)
    return written


def _validation_score(run: Run) -> float:
    return run.info.epochs[run.info.best_epoch - 1].main_metric
