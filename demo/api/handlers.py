"""What the API answers: plain functions. `view` offers them through gradio, `rest` as REST."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Strict

from benchmark.tasks.registry import TASKS
from demo.api.shapes import (
    BatchShape,
    CheckpointShape,
    ComparisonShape,
    DecisionShape,
    EntryShape,
    FailureShape,
    TaskShape,
)
from demo.batch.handlers import Results, classify_rows
from demo.batch.handlers import as_json as batch_as_json
from demo.batch.inputs import read_list
from demo.compare.handlers import as_json
from demo.compare.handlers import classify as classify_text
from demo.leaderboard.handlers import read_board, records_of
from demo.shared.models import catalogue, read
from zoo.errors import UserError
from zoo.tfidf import UNLIMITED

if TYPE_CHECKING:
    from benchmark.tasks.registry import Task
    from zoo.checkpoints.checkpoint import Checkpoint

Number = Annotated[float, Strict()]  # a REST request that has "0.5" in its place is refused


def endpoints(root: Path | None, results: Path | None) -> tuple[Callable[..., Any], ...]:
    """Return the API's functions. Each raises UserError where the client is mistaken.

    Args:
        root: the folder of checkpoints; None is the project's own.
        results: the folder of runs; None is the project's own.
    """

    def tasks() -> list[TaskShape]:
        """List the tasks, each with its labels and with the checkpoints that /classify takes."""
        return all_tasks(root, results)

    def classify(
        text: str,
        task: str,
        checkpoints: list[str],
        thresholds: dict[str, Number] | None = None,
        calibrated: bool = True,
    ) -> ComparisonShape:
        """Classify one text with several checkpoints of a task.

        Each answer has its scores, fitted thresholds and decided labels.

        Args:
            text: what to classify, at most 10,000 characters.
            task: one of the app's tasks, such as go_emotions.
            checkpoints: names of the task's models, such as minilm-l6.
            thresholds: from 0 to 1, by label, in place of the fitted ones.
            calibrated: whether these are thresholds of calibrated scores; of the raw ones otherwise.
        """
        found = as_json(classify_text(text, task, checkpoints, root), thresholds, calibrated)
        return cast(ComparisonShape, found)

    def classify_batch(texts: list[str], task: str, checkpoints: list[str]) -> BatchShape:
        """Classify many texts with several checkpoints of a task, at their fitted thresholds.

        Each checkpoint's `scores` and `decided` labels are in the order of `texts`; `scores` go by `labels`.

        Args:
            texts: what to classify, at most 2,000 texts of 10,000 characters, and 5,000,000 characters in all.
            task: one of the app's tasks, such as go_emotions.
            checkpoints: names of the task's models, such as minilm-l6.
        """
        *_, found = classify_rows(read_list(texts), task, checkpoints, root)
        assert isinstance(found, Results)
        return cast(BatchShape, batch_as_json(found))

    def board(task: str) -> list[EntryShape]:
        """Return the leaderboard's entries of a task, best first.

        Each has the main metric's value (the mean over seeds) with its 95 % interval `low` to `high`, the ranks that
        it may have, and what it costs.

        Args:
            task: one of the board's, such as go_emotions.
        """
        return cast(list[EntryShape], records_of(read_board(results), task))

    return tasks, classify, classify_batch, board


def all_tasks(root: Path | None, results: Path | None) -> list[TaskShape]:
    """Return the tasks that have checkpoints or stand on the board, in the order of their names."""
    found, board = catalogue(root), board_tasks(results)
    return [_task(name, found.get(name, {}), board.get(name)) for name in sorted(found.keys() | board.keys())]


def board_tasks(results: Path | None) -> "dict[str, Task]":
    """Return the tasks of the board by name; none where there is no board."""
    from benchmark.board.pages import tasks_of

    try:
        return {task.name: task for task in tasks_of(read_board(results))}
    except UserError:  # /board tells it
        return {}


def _task(name: str, folders: dict[str, Path], on_board: "Task | None") -> TaskShape:
    whole: dict[str, Checkpoint] = {}
    failures: list[FailureShape] = []
    for each, folder in folders.items():
        try:
            whole[each] = read(folder)
        except UserError as error:
            failures.append({"name": each, "error": str(error)})
    infos = (checkpoint.info for checkpoint in whole.values())
    known: Any = next(infos, None) or on_board or TASKS.get(name)
    return {
        "name": name,
        "language": known and known.language,
        "problem_type": known and known.problem_type,
        "labels": list(known.labels) if known else [],
        "on_board": on_board is not None,
        "checkpoints": [_checkpoint(each, checkpoint) for each, checkpoint in whole.items()],
        "failures": failures,
    }


def _checkpoint(name: str, checkpoint: "Checkpoint") -> CheckpointShape:
    info = checkpoint.info
    kept = checkpoint.decision.model_dump(mode="json", exclude={"problem_type"})
    return {
        "name": name,
        "encoder": info.encoder,
        "max_length": None if info.max_length == UNLIMITED else info.max_length,
        "decision": cast(DecisionShape, kept),
    }
