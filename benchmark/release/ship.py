"""From runs to checkpoints: each run's own, and the best of each (task, encoder), made small for the app."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmark.release.card import write_card, write_cards
from benchmark.release.reduce import Reduced, reduce_checkpoint
from benchmark.statistics.seeds import decision_for
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import read_rows
from benchmark.training.baseline import Baseline
from benchmark.training.cell import Cell
from benchmark.training.fine_tune import FineTuned
from benchmark.training.runs import Run, RunInfo, as_stored, read_run, run_folders
from zoo.checkpoints.checkpoint import TFIDF, Checkpoint, CheckpointInfo
from zoo.checkpoints.loading import describe_checkpoint, save_checkpoint
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError
from zoo.files import new_folder
from zoo.policy import DEFAULT, Policy
from zoo.tfidf import UNLIMITED, write_tfidf


def keep_checkpoint(
    root: Path, cell: Cell, info: RunInfo, trained: FineTuned | Baseline, policy: Policy = DEFAULT
) -> None:
    """Write the checkpoint of a run that has just ended to its folder below `root`; one that is there already stays.
    Its decision is fitted for `policy`.

    The logits are those that the run stores, so that the default decision is the leaderboard's to the last digit.
    """
    target, task = checkpoint_folder(root, cell.folder), cell.task
    predictions, recipe = as_stored(trained.predictions), info.recipe
    decision = decision_for(task, predictions, policy=policy)
    reading = {name: getattr(recipe, name) for name in ("max_length", "long_text", "pooling") if hasattr(recipe, name)}
    checkpoint = CheckpointInfo(
        task=task.name,
        problem_type=task.problem_type,
        language=task.language,
        labels=task.labels,
        encoder=info.encoder,
        revision=info.revision,
        run=info.id,
        **{"max_length": UNLIMITED} | reading,
    )
    own = None if policy == DEFAULT else Checkpoint(target, checkpoint, decision)
    card = write_card(Run(info, predictions, target), task, own, cell.rows.test.groups)
    if isinstance(trained, FineTuned):
        save_checkpoint(target, checkpoint, decision, trained.model, trained.tokenizer, card)
        return
    with new_folder(target) as folder:
        write_tfidf(folder / TFIDF, trained.model)
        describe_checkpoint(folder, checkpoint, decision, folder / TFIDF, card)


def checkpoint_folder(root: Path, run_folder: Path) -> Path:
    """Return where the checkpoint of the run in `run_folder` stands below `root`."""
    return root / run_folder.parent.parent.name / f"{run_folder.parent.name}-{run_folder.name}"


def ship_best(
    results: Path, trained: Path, shipped: Path, tasks: Mapping[str, Task], data_dir: Path | None
) -> Iterator[Reduced]:
    """Write the checkpoint of each (task, encoder)'s best run by validation, made small, to `shipped`.

    Args:
        results: the runs.
        trained: where the grid kept its checkpoints.
        shipped: where they go, as `<task>/<encoder>`.
        tasks: which tasks' checkpoints to write, by name.
        data_dir: the folder with the tasks' rows, where they do not come with the project.

    Yields:
        Each checkpoint when it is written.
    """
    best: dict[tuple[str, str], Run] = {}
    for folder in run_folders(results):
        key = (folder.parent.parent.name, folder.parent.name)
        if key[0] in tasks and checkpoint_folder(trained, folder).is_dir():
            run = read_run(folder)
            best[key] = max(best.get(key, run), run, key=_validation_score)
    if not best:
        raise UserError(
            f"No run in {results} has its checkpoint in {trained}; run the grid with --checkpoints {trained}"
        )
    for run in best.values():
        if run.info.encoder not in ENCODERS:
            raise UserError(
                f"'{run.info.encoder}' is no encoder of the registry, so its checkpoint cannot be shipped as a "
                f"difference to it; take the whole one in {checkpoint_folder(trained, run.folder)}"
            )
    rows = {name: read_rows(tasks[name], data_dir) for name in {task for task, _ in best}}
    for (task, encoder), run in best.items():
        if rows[task].fingerprint != run.info.fingerprint:
            raise UserError(f"The rows of '{task}' are not those of the run {run.info.id}; give the same --data-dir")
        source, target = checkpoint_folder(trained, run.folder), shipped / task / encoder
        yield reduce_checkpoint(source, target, run, tasks[task], rows[task])
    write_cards(shipped, results)


def _validation_score(run: Run) -> float:
    """Return the main metric of the chosen epoch; a baseline has no epochs, and all its seeds are alike."""
    return run.info.epochs[run.info.best_epoch - 1].main_metric if run.info.epochs else 0.0
