"""A checkpoint's model card, made of its run alone: front matter for the hub, then what a reader must know of it.

The text stands in `templates/card.md.jinja`. Its intervals hold for this one model: they cover the choice of the
test rows, not the choice of a seed.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from benchmark.board.entries import Entry
from benchmark.from_logits.policy_fit import PolicyFit, folder_of_run, of_labels, readable
from benchmark.statistics.calibration import calibration
from benchmark.statistics.intervals import FEW_SEEDS, RESAMPLES, Interval, flags, interval
from benchmark.statistics.metrics import bounds, metrics_of
from benchmark.statistics.resampling import draw, metrics_of_labels, points, resample
from benchmark.tasks.registry import TASKS, Task, known_tasks
from benchmark.training.recipes import BaselineRecipe
from benchmark.training.runs import Run, groups_of_run, read_run
from zoo.checkpoints.checkpoint import Checkpoint, find_checkpoints, read_checkpoint
from zoo.decision import Decision
from zoo.encoders.deltas import DELTA
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError
from zoo.files import write_text
from zoo.policy import DEFAULT

TEMPLATE = Path(__file__).parent / "templates" / "card.md.jinja"
Rows = list[tuple[str, ...]]


def write_card(run: Run, task: Task, kept: Checkpoint | None = None, groups: np.ndarray | None = None) -> str:
    """Return the card of the checkpoint that `run` left behind, as Markdown with YAML front matter.

    Args:
        run: one training.
        task: what it was trained on.
        kept: the checkpoint, where it was made smaller than the run's or has a policy. The card has its decision, and
            what its policy brings.
        groups: of the test rows, shape (n,), where rows belong together.
    """
    info = run.info
    entry = Entry(task, info.encoder, "", {info.recipe.seed: run})
    decision = kept.decision if kept else entry.seeds.decisions(task.rule)[info.recipe.seed]
    metrics = _metrics(entry, groups)
    rare = flags(FEW_SEEDS, run.predictions.test_y_true, task.main_metric)
    card = ModelCard.from_template(
        _front_matter(run, task, metrics),
        template_path=str(TEMPLATE),
        info=info,
        recipe=info.recipe,
        task=task,
        small=kept is not None and (kept.folder / DELTA).is_file(),
        reduction=kept.info.reduction if kept else None,
        brought=_brought(run, task, decision, groups),
        linear=isinstance(info.recipe, BaselineRecipe),
        encoder=ENCODERS.get(info.encoder),
        hub_id=_hub_id(info.encoder),
        registered=task.name in TASKS,
        language="" if task.language == "any" else f" ({task.language})",
        validation_rows=len(run.predictions.validation_y_true),
        test_rows=len(run.predictions.test_y_true),
        main=metrics[task.main_metric],
        metrics=[(name, _figure(x.value), f"{_figure(x.low)} to {_figure(x.high)}") for name, x in metrics.items()],
        by_label=_by_label(entry),
        resamples=RESAMPLES,
        rare=rare[0] if rare else "",
        decision=decision,
        thresholds=[(label, _figure(x)) for label, x in zip(task.labels, decision.thresholds, strict=True)],
        calibration=_calibration(entry, groups),
        figure=_figure,
        count="{:,}".format,
        percent="{:.0%}".format,
        millions=lambda number: f"{number / 1e6:.1f}",
    )
    return f"{str(card).rstrip()}\n"


def write_cards(checkpoints: Path, results: Path) -> list[Path]:
    """Write the cards of all checkpoints below a folder anew, those whose run is in `results`; return their paths.

    Raises:
        UserError: there are none, or the run of one is damaged.
    """
    tasks, written = known_tasks(results), []
    for folder in find_checkpoints(checkpoints):
        checkpoint = read_checkpoint(folder)
        info = checkpoint.info
        if (left_by := folder_of_run(info, results)) and info.task in tasks:
            run = read_run(left_by)
            own = info.reduction or (folder / DELTA).is_file() or checkpoint.decision.policy != DEFAULT
            card = write_card(run, tasks[info.task], checkpoint if own else None, groups_of_run(run))
            write_text(folder / "README.md", card)
            written.append(folder / "README.md")
    if not written:
        raise UserError(f"No folder in {checkpoints} is a checkpoint of a run in {results}")
    return written


def _metrics(entry: Entry, groups: np.ndarray | None) -> dict[str, Interval]:
    scored = list(entry.scored(entry.task.rule).values())
    draws, names = draw(len(entry.y_true), RESAMPLES, groups=groups), list(metrics_of(entry.task.problem_type))
    resampled = resample(scored, names, draws)
    return {name: interval(points(scored, name), resampled[name], draws.rng, bounds(name)) for name in names}


def _by_label(entry: Entry) -> Rows:
    """Return each label's name, its F1 and its number of test rows."""
    (scored,) = entry.scored(entry.task.rule).values()
    found = metrics_of_labels(scored)
    return [
        (label, _figure(f1), f"{support:,.0f}")
        for label, f1, support in zip(entry.task.labels, found["f1"], found["support"], strict=True)
    ]


def _brought(run: Run, task: Task, decision: Decision, groups: np.ndarray | None) -> pd.DataFrame | None:
    """Return what a policy other than the default one brings on the run's rows."""
    if decision.policy == DEFAULT:
        return None
    return readable(of_labels(PolicyFit(task, run, decision.policy, groups)))


def _front_matter(run: Run, task: Task, metrics: dict[str, Interval]) -> ModelCardData:
    encoder, hub = ENCODERS.get(run.info.encoder), task.hub
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=hub.dataset if hub else task.name,
            dataset_name=task.name,
            dataset_config=hub.config if hub else None,
            dataset_split=task.reported,
            dataset_revision=hub.revision if hub else None,
            metric_type=name,
            metric_name=f"{name} (95 % interval {found.low:.4f} to {found.high:.4f})",
            metric_value=round(found.value, 4),
        )
        for name, found in metrics.items()
    ]
    return ModelCardData(
        language=None if task.language == "any" else task.language,
        license=encoder.licence.lower() if encoder else "unknown",
        library_name="scikit-learn" if isinstance(run.info.recipe, BaselineRecipe) else "transformers",
        pipeline_tag="text-classification",
        tags=["encoder-zoo", task.problem_type.replace("_", "-")],
        base_model=_hub_id(run.info.encoder) or None,
        datasets=[hub.dataset] if hub else None,
        model_name=f"{run.info.encoder} on {task.name}",
        eval_results=results,
    )


def _hub_id(encoder: str) -> str:
    """Return the id on the hub of the encoder with this name; "" where it is not there. Only names of the hub have a
    slash."""
    if encoder in ENCODERS:
        return ENCODERS[encoder].hub_id
    return encoder.partition("@")[0] if "/" in encoder else ""


def _calibration(entry: Entry, groups: np.ndarray | None) -> Rows:
    """Return a row before and a row after the temperature: its name, ECE and debiased ECE with their intervals."""
    shown = {
        (row["calibrator"], row["metric"]): f"{_figure(row['value'])} ({_figure(row['low'])} to {_figure(row['high'])})"
        for row in calibration(entry.seeds, draw(len(entry.y_true), RESAMPLES, groups=groups)).to_dict("records")
    }
    return [
        (name, shown[calibrator, "ece"], shown[calibrator, "ece_debiased"])
        for name, calibrator in (("before", "raw"), ("after", "temperature"))
    ]


def _figure(value: float) -> str:
    return f"{value:.4f}"
