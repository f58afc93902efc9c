"""From a Run to the Checkpoint that the app serves: the decision fitted on validation, the card, the folder."""

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from benchmark.fit_decision import fit_decision
from benchmark.metrics import compute_metrics
from benchmark.recipes import Recipe
from benchmark.runs import Predictions, RunInfo
from benchmark.tasks import Task
from zoo.checkpoint import CheckpointInfo, save_checkpoint


def save_run_checkpoint(
    target: Path,
    info: RunInfo,
    task: Task,
    predictions: Predictions,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Write the checkpoint of a run that has just ended; one that is there already stays."""
    assert isinstance(info.recipe, Recipe)
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
        run=info.id,
    )
    y_score = decision.scores(predictions.test_logits)
    found = compute_metrics(task.problem_type, predictions.test_y_true, y_score, decision.decide(y_score))
    save_checkpoint(target, checkpoint, decision, model, tokenizer, _card(info, found))


def _card(info: RunInfo, metrics: dict[str, float]) -> str:
    rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in metrics.items())
    return f"""# {info.encoder} on {info.task}

`{info.encoder}` (revision {info.revision}) fine-tuned by Encoder Zoo on `{info.task}`; run `{info.id}`, seed
{info.recipe.seed}. Temperature and thresholds in `decision.json` were fitted on validation only.

Measured on the {info.reported} split:

| metric | value |
|---|---:|
{rows}

Recipe: `{info.recipe.model_dump_json()}`
"""
