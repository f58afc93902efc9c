"""A checkpoint's model card, made of its run alone: front matter for the hub, then what a reader must know of it.

Its intervals are of this one model: they cover the choice of the reported rows, not that of another seed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from benchmark.board.entries import Entry
from benchmark.statistics.calibration import calibration
from benchmark.statistics.intervals import FEW_SEEDS, RESAMPLES, Interval, flags, interval
from benchmark.statistics.metrics import bounds, metrics_of
from benchmark.statistics.resampling import draw, points, resample
from benchmark.tasks.registry import TASKS, Task, known_tasks
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Run, read_runs
from zoo.checkpoints.checkpoint import DELTA, find_checkpoints, read_checkpoint
from zoo.decision import Decision
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError
from zoo.files import write_text

_HUB = "https://huggingface.co"
_SMALL = (
    "\nThese weights keep 3, 4 or 8 bits of each weight that fine-tuning changed; the figures are of the model before "
    "that, and its scores differ a little.\n"
)
_LOAD = """```python
import json
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = Path("FOLDER")  # where this card and the files beside it are
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
decision = json.loads((folder / "decision.json").read_text())

texts = ["a text", "another one"]
batch = tokenizer(texts, padding=True, truncation=True, max_length={max_length}, return_tensors="pt")
with torch.inference_mode():
    scores = (model(**batch).logits / decision["temperature"]).{squash}
{decide}
print([[model.config.id2label[int(i)] for i in row.nonzero()] for row in decided])
```"""
_SQUASH = {True: "sigmoid()", False: "softmax(dim=1)"}
_DECIDE = {
    True: 'decided = scores >= torch.tensor(decision["thresholds"])',
    False: "decided = scores == scores.max(dim=1, keepdim=True).values",
}


def write_card(run: Run, task: Task, small: bool = False) -> str:
    """Return the card of the checkpoint that `run` left behind, as Markdown with YAML front matter.

    Args:
        run: one fine-tuning.
        task: what it was fine-tuned on.
        small: whether the checkpoint holds only what fine-tuning changed, in few bits.
    """
    entry = Entry(task, run.info.encoder, "", {run.info.recipe.seed: run})
    decision = entry.seeds.decisions(task.rule)[run.info.recipe.seed]
    metrics = _metrics(entry)
    sections = {
        "Data": _data(run, task),
        "Metrics": _metrics_table(run, task, metrics),
        "Thresholds": _thresholds(task, decision),
        "Calibration": _calibration(entry, decision),
        "Recipe": _recipe(run),
        "Limits": _limits(task),
        "Load it": _load(run, task),
        "Licence and citation": _licence(run, task),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    start = _start(run, task) + (_SMALL if small else "")
    return f"---\n{_front_matter(run, task, metrics).to_yaml()}\n---\n\n{start}\n{body}\n"


def write_cards(checkpoints: Path, results: Path) -> list[Path]:
    """Write the cards of all checkpoints below a folder anew, those whose run is in `results`; return their paths.

    Raises:
        UserError: there are none.
    """
    runs, tasks, written = {run.info.id: run for run in read_runs(results)}, known_tasks(results), []
    for folder in find_checkpoints(checkpoints):
        info = read_checkpoint(folder).info
        if info.run in runs and info.task in tasks:
            card = write_card(runs[info.run], tasks[info.task], small=(folder / DELTA).is_file())
            write_text(folder / "README.md", card)
            written.append(folder / "README.md")
    if not written:
        raise UserError(f"No folder in {checkpoints} is a checkpoint of a run in {results}")
    return written


def _metrics(entry: Entry) -> dict[str, Interval]:
    scored = list(entry.scored(entry.task.rule).values())
    draws, names = draw(len(entry.y_true), RESAMPLES), list(metrics_of(entry.task.problem_type))
    resampled = resample(scored, names, draws)
    return {name: interval(points(scored, name), resampled[name], draws.rng, bounds(name)) for name in names}


def _front_matter(run: Run, task: Task, metrics: dict[str, Interval]) -> ModelCardData:
    encoder = ENCODERS.get(run.info.encoder)
    hub = task.hub
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
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["encoder-zoo", task.problem_type.replace("_", "-")],
        base_model=(encoder.hub_id or None) if encoder else None,
        datasets=[hub.dataset] if hub else None,
        model_name=f"{run.info.encoder} on {task.name}",
        eval_results=results,
    )


def _start(run: Run, task: Task) -> str:
    info = run.info
    kind = "a text can have several of them, or none" if task.multi_label else "a text has one of them"
    labels = ", ".join(f"`{label}`" for label in info.labels)
    return (
        f"# {info.encoder} on {info.task}\n\n`{info.encoder}` (revision {info.revision}) fine-tuned by Encoder Zoo to "
        f"tell {len(info.labels)} labels apart; {kind}: {labels}. Judged by {task.main_metric}; run `{info.id}`, seed "
        f"{info.recipe.seed}.\n"
    )


def _data(run: Run, task: Task) -> str:
    found, hub = run.predictions, task.hub
    source = "it comes with Encoder Zoo" if task.embedded else "its rows were read from a folder"
    if task.own_splits:
        source = f"a user's own data, split so: {task.own_splits}"
    if hub:
        config = f", configuration {hub.config}" if hub.config else ""
        source = f"on the hub it is [{hub.dataset}]({_HUB}/datasets/{hub.dataset}){config}"
    rows = "sentences that the official training rows are made of" if task.phrases else "official training rows"
    carved = f", {task.carve:.0%} of the {rows} (seed {task.split_seed})" if task.carve else ""
    others = f"{task.reported} rows" if task.name not in TASKS else f"others, the official {task.reported} split"
    language = "" if task.language == "any" else f" ({task.language})"
    return (
        f"`{task.name}`{language}; {source}. Temperature, thresholds and the best epoch were chosen on "
        f"{len(found.validation_y_true):,} validation rows{carved}; the figures are of {len(found.test_y_true):,} "
        f"{others}. Texts are {_read(run)}; "
        f"{run.info.truncated:.1%} of them are longer than what is read. Fingerprint of the rows: "
        f"`{run.info.fingerprint[:12]}`."
    )


def _read(run: Run) -> str:
    tokens = _recipe_of(run).max_length
    return {
        "truncate": f"cut to {tokens} tokens",
        "head-tail": f"read at both ends, {tokens} tokens together",
        "windows": f"read in overlapping windows of {tokens} tokens",
    }[_recipe_of(run).long_text]


def _metrics_table(run: Run, task: Task, metrics: dict[str, Interval]) -> str:
    rows = [(name, f"{x.value:.4f}", f"{x.low:.4f} to {x.high:.4f}") for name, x in metrics.items()]
    rare = flags(FEW_SEEDS, run.predictions.test_y_true, task.main_metric)
    narrow = f" That of {task.main_metric} may be too narrow: {rare[0]}." if rare else ""
    return (
        f"{_table(('metric', 'value', '95 % interval'), rows)}\n\nThe intervals come from a bootstrap of the rows "
        f"({RESAMPLES:,} resamples) and are of this one model; another seed makes another.{narrow}"
    )


def _thresholds(task: Task, decision: Decision) -> str:
    if not task.multi_label:
        return "The label with the highest score is decided (`argmax`)."
    rows = [(label, f"{each:.4f}") for label, each in zip(task.labels, decision.thresholds, strict=True)]
    return (
        "A label is decided where its calibrated score reaches its threshold: those with the best F1 on validation, by "
        f"the rule `{decision.rule}`.\n\n{_table(('label', 'threshold'), rows)}"
    )


def _calibration(entry: Entry, decision: Decision) -> str:
    found = calibration(entry.seeds, draw(len(entry.y_true), RESAMPLES)).to_dict("records")
    shown = {
        (row["calibrator"], row["metric"]): f"{row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
        for row in found
    }
    rows = [
        (name, shown[calibrator, "ece"], shown[calibrator, "ece_debiased"])
        for name, calibrator in (("before", "raw"), ("after", "temperature"))
    ]
    return (
        f"Logits are divided by a temperature of {decision.temperature:.4f}, fitted on validation. How far scores are "
        "from frequencies before and after that (expected calibration error over 15 bins of equal mass; debiased: less "
        f"what chance adds), with 95 % intervals:\n\n{_table(('temperature', 'ece', 'debiased'), rows)}"
    )


def _recipe(run: Run) -> str:
    info = run.info
    versions = ", ".join(f"{name} {number}" for name, number in info.versions.items())
    return (
        f"{_table(('field', 'value'), info.recipe.model_dump().items())}\n\nEpoch {info.best_epoch} of "
        f"{len(info.epochs)} was kept; training took {info.train_seconds:,.0f} s. {info.parameters / 1e6:.1f} million "
        f"parameters, of which {info.trained_parameters / 1e6:.1f} million were trained. Made with {versions}."
    )


def _limits(task: Task) -> str:
    public = f" The {task.reported} split is public." if task.reported != "test" else ""
    return (
        f"It knows texts like those of `{task.name}`, and these labels: for texts of another kind, language or time "
        "neither scores nor thresholds have been measured. Labels that are rare in the data are decided poorly, and an "
        f"average does not show which.{public} It should not decide alone on what matters to a person."
    )


def _load(run: Run, task: Task) -> str:
    multi = task.multi_label
    code = _LOAD.format(max_length=_recipe_of(run).max_length, squash=_SQUASH[multi], decide=_DECIDE[multi])
    long_text = _recipe_of(run).long_text
    cut = "" if long_text == "truncate" else f"This cuts longer texts, which Encoder Zoo reads by `{long_text}`. "
    return (
        "With plain transformers, from the folder that `hf download` makes of the published model:\n\n"
        f"{code}\n\n{cut}With Encoder Zoo, which checks the files first: "
        "`python -m zoo predict hub:user/name --input texts.csv --output scores.csv`."
    )


def _licence(run: Run, task: Task) -> str:
    encoder = ENCODERS.get(run.info.encoder)
    licence = encoder.licence if encoder else "one that is not known here"
    return (
        f"The encoder's weights are under its licence, {licence}; what fine-tuning added is Apache-2.0; the data have "
        f"terms of their own. Cite the encoder{_at_hub(encoder.hub_id if encoder else '')}, {_data_to_cite(task)}, and:"
        "\n\n```bibtex\n@software{encoder_zoo,\n"
        "  title = {Encoder Zoo: text encoders, fine-tuned and compared},\n"
        f"  note = {{run {run.info.id}}}\n}}\n```"
    )


def _data_to_cite(task: Task) -> str:
    if task.name not in TASKS:
        return "where the data come from"
    return f"the dataset{_at_hub(task.hub.dataset, 'datasets/') if task.hub else ''}"


def _at_hub(name: str, kind: str = "") -> str:
    return f" ([{name}]({_HUB}/{kind}{name}))" if name else ""


def _recipe_of(run: Run) -> Recipe:
    assert isinstance(run.info.recipe, Recipe)  # a baseline leaves no checkpoint behind
    return run.info.recipe


def _table(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
