"""A checkpoint exported to ONNX, and the run that shows what the export is worth: its logits, its score, its speed."""

import hashlib
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.from_logits.policy_fit import find_run
from benchmark.release.card import write_card
from benchmark.release.reduce import TOLERANCE, fit_and_score
from benchmark.statistics.intervals import RESAMPLES, interval
from benchmark.statistics.metrics import bounds
from benchmark.statistics.resampling import draw, points, resample
from benchmark.statistics.seeds import scored_on_test
from benchmark.tasks.registry import Task, known_tasks
from benchmark.tasks.rows import Rows, read_rows
from benchmark.training.latency import measure_latency
from benchmark.training.process import commit, peak_memory_mib, reset_peak_memory
from benchmark.training.runs import (
    Predictions,
    Run,
    RunInfo,
    as_stored,
    groups_of_run,
    run_folder,
    write_run,
)
from zoo.checkpoints.checkpoint import ONNX, Reduction, read_checkpoint
from zoo.checkpoints.loading import describe_checkpoint
from zoo.checkpoints.onnx_export import export_checkpoint, quantise_graph
from zoo.errors import UserError, lookup
from zoo.files import write_text
from zoo.hardware import library_versions, processor
from zoo.onnx_classifier import OnnxClassifier, threads

# From the smallest on: how each is called, and whether the embeddings are rounded, too.
INT8_FORMS = {"int8 weights, a scale a channel": True, "int8 weights, a scale a channel, but for the embeddings": False}


@dataclass(frozen=True)
class Rescored:
    """What an export scores on test, beside its run's score with its 95 % interval over the test rows."""

    metric: str
    export: float
    run: float
    low: float
    high: float
    largest_difference: float
    reduction: Reduction | None = None

    @property
    def kept(self) -> bool:
        """Whether the score stayed: in the run's interval, or in 8 bits on validation near the run's."""
        if self.reduction:
            return self.reduction.after >= self.reduction.before - TOLERANCE
        return self.low <= self.export <= self.high

    @property
    def line(self) -> str:
        rounded = self.reduction
        validation = f"{rounded.form}: on validation {rounded.after:.4f}, run {rounded.before:.4f}; " if rounded else ""
        return (
            f"{validation}{self.metric} on test: export {self.export:.4f}, run {self.run:.4f} "
            f"[{self.low:.4f}, {self.high:.4f}]; logits differ from the run's by {self.largest_difference:.4f} at most"
        )


def export_and_score(
    checkpoint: Path, target: Path, results: Path, data_dir: Path | None, int8: bool = False
) -> Rescored:
    """Export `checkpoint` to `target`, predict its task's rows with it, and write that as a run beside the one that
    it came from. `target` is written only if the score stays: in float32, the main metric on test within the run's
    interval; in int8, the main metric on validation at most TOLERANCE below the run's.

    Raises:
        UserError: the checkpoint, its run in `results` or the run's rows are not to be had.
    """
    there = UserError(f"{target} is there already; give another folder or remove it")
    if target.exists():
        raise there
    info = read_checkpoint(checkpoint).info
    run = find_run(info, results)
    task = lookup(known_tasks(results), info.task, "task")
    rows = read_rows(task, data_dir)
    if rows.fingerprint != run.info.fingerprint:
        raise UserError(f"The rows of '{task.name}' are not those of the run {info.run}; give the same data")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        trial = Path(folder) / target.name
        export_checkpoint(checkpoint, trial)
        reduction = quantise_export(trial, task, rows, run) if int8 else None
        rescored = _score(trial, task, rows, run, results, reduction)
        if rescored.kept:
            try:
                trial.rename(target)
            except OSError:
                if target.exists():  # another process was faster
                    raise there from None
                raise
    return rescored


def quantise_export(export: Path, task: Task, rows: Rows, run: Run) -> Reduction:
    """Make an export's weights int8, those of the embeddings, too, where the score on validation allows it. The
    decision is fitted again on validation."""
    validation, whole = rows.validation, export / "float32.onnx"
    before = fit_and_score(task, run.predictions.validation_logits, validation.y_true)[1]
    checkpoint = read_checkpoint(export)
    (export / ONNX).rename(whole)
    for form, embeddings in INT8_FORMS.items():
        quantise_graph(whole, export / ONNX, embeddings)
        describe_checkpoint(export, checkpoint.info, checkpoint.decision, export / ONNX, "")
        logits = OnnxClassifier.load(export).predict_logits(validation.texts)
        decision, after = fit_and_score(task, logits, validation.y_true)
        reduction = Reduction(form=form, before=before, after=after)
        if after >= before - TOLERANCE:
            break
    whole.unlink()
    described = checkpoint.info.model_copy(update={"reduction": reduction})
    describe_checkpoint(export, described, decision, export / ONNX, "")
    write_text(export / "README.md", write_card(run, task, read_checkpoint(export), rows.test.groups))
    return reduction


def _score(export: Path, task: Task, rows: Rows, run: Run, results: Path, reduction: Reduction | None) -> Rescored:
    """Predict validation and test with the export, keep that as a run, and compare it with the run it came from."""
    classifier = OnnxClassifier.load(export)
    reset_peak_memory()
    start = time.perf_counter()
    test_logits = classifier.predict_logits(rows.test.texts)
    seconds = time.perf_counter() - start
    validation_logits = classifier.predict_logits(rows.validation.texts)
    predictions = Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true)
    exported = _info(run.info, classifier, rows.test.texts, len(rows.test) / seconds, reduction is not None)
    folder = run_folder(results, task.name, exported.encoder, exported.recipe.seed, exported.id)
    if not folder.exists():
        write_run(folder, exported, predictions)
    return replace(compare_with_run(task, run, as_stored(predictions)), reduction=reduction)


def compare_with_run(task: Task, run: Run, predictions: Predictions) -> Rescored:
    """Return the main metric of `predictions` beside that of `run`, each decided as its own validation rows say."""
    mine, theirs = (scored_on_test(task, found) for found in (predictions, run.predictions))
    metric = task.main_metric
    resampled = resample([theirs], [metric], draw(len(theirs.y_true), RESAMPLES, groups=groups_of_run(run)))[metric]
    found = interval(points([theirs], metric), resampled, np.random.default_rng(0), bounds(metric))
    difference = np.abs(predictions.test_logits - run.predictions.test_logits).max()
    return Rescored(metric, float(points([mine], metric)[0]), found.value, found.low, found.high, float(difference))


def _info(run: RunInfo, classifier: OnnxClassifier, texts: list[str], per_second: float, int8: bool) -> RunInfo:
    """Return the run's facts with those that an export changes: what was trained stays as it was."""
    runtime = "onnxruntime int8" if int8 else "onnxruntime"
    changes = {
        "id": hashlib.sha256(f"{run.id} {runtime}".encode()).hexdigest()[:12],
        "runtime": runtime,
        "inference_examples_per_second": per_second,
        "peak_memory_mib": peak_memory_mib(),
        "latency": measure_latency(
            classifier.predict_logits,
            texts,
            most=max((latency.length for latency in run.latency), default=0),  # what the run could measure
        ),
        "hardware": {"processor": processor(), "precision": "int8" if int8 else "fp32", "threads": threads()},
        "versions": library_versions() | {"onnxruntime": version("onnxruntime")},
        "commit": commit(),
    }
    return run.model_copy(update=changes)
