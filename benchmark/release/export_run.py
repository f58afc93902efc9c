"""A checkpoint exported to ONNX, and the run that shows what the export is worth: its logits, its score, its speed."""

import hashlib
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.board.entries import Entry
from benchmark.statistics.intervals import RESAMPLES, interval
from benchmark.statistics.metrics import bounds
from benchmark.statistics.resampling import Scored, draw, points, resample
from benchmark.tasks.registry import Task, known_tasks
from benchmark.tasks.rows import Rows, read_rows
from benchmark.training.latency import measure_latency
from benchmark.training.process import commit, peak_memory_mib, reset_peak_memory
from benchmark.training.runs import Predictions, Run, RunInfo, as_stored, read_runs, run_folder, write_run
from zoo.checkpoints.checkpoint import read_checkpoint
from zoo.checkpoints.onnx_export import export_checkpoint
from zoo.errors import UserError, lookup
from zoo.hardware import library_versions, processor
from zoo.onnx_classifier import OnnxClassifier, threads


@dataclass(frozen=True)
class Rescored:
    """What an export scores on test, beside its run's score with its 95 % interval over the test rows."""

    metric: str
    export: float
    run: float
    low: float
    high: float
    largest_difference: float

    @property
    def kept(self) -> bool:
        return self.low <= self.export <= self.high

    @property
    def line(self) -> str:
        return (
            f"{self.metric} on test: export {self.export:.4f}, run {self.run:.4f} [{self.low:.4f}, {self.high:.4f}]; "
            f"logits differ from the run's by {self.largest_difference:.4f} at most"
        )


def export_and_score(checkpoint: Path, target: Path, results: Path, data_dir: Path | None) -> Rescored:
    """Export `checkpoint` to `target`, predict its task's rows with it, and write that as a run beside the one that
    it came from. `target` is written only if its main metric stays within the run's interval.

    Raises:
        UserError: the checkpoint, its run in `results` or the run's rows are not to be had.
    """
    if target.exists():
        raise UserError(f"{target} is there already; give another folder or remove it")
    info = read_checkpoint(checkpoint).info
    run = next((run for run in read_runs(results) if run.info.id == info.run), None)
    if run is None:
        raise UserError(f"The run {info.run} of {checkpoint} is not in {results}; give the folder that has it")
    task = lookup(known_tasks(results), info.task, "task")
    rows = read_rows(task, data_dir)
    if rows.fingerprint != run.info.fingerprint:
        raise UserError(f"The rows of '{task.name}' are not those of the run {info.run}; give the same data")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        trial = Path(folder) / target.name
        export_checkpoint(checkpoint, trial)
        rescored = _score(trial, task, rows, run, results)
        if rescored.kept:
            trial.rename(target)
    return rescored


def _score(export: Path, task: Task, rows: Rows, run: Run, results: Path) -> Rescored:
    """Predict validation and test with the export, keep that as a run, and compare it with the run it came from."""
    classifier = OnnxClassifier.load(export)
    reset_peak_memory()
    start = time.perf_counter()
    test_logits = classifier.predict_logits(rows.test.texts)
    seconds = time.perf_counter() - start
    validation_logits = classifier.predict_logits(rows.validation.texts)
    predictions = Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true)
    exported = _info(run.info, classifier, rows.test.texts, len(rows.test) / seconds)
    folder = run_folder(results, task.name, exported.encoder, exported.recipe.seed, exported.id)
    if not folder.exists():
        write_run(folder, exported, predictions)
    return compare_with_run(task, run, as_stored(predictions))


def compare_with_run(task: Task, run: Run, predictions: Predictions) -> Rescored:
    """Return the main metric of `predictions` beside that of `run`, each decided as its own validation rows say."""
    mine, theirs = (_scored(task, replace(run, predictions=found)) for found in (predictions, run.predictions))
    metric = task.main_metric
    resampled = resample([theirs], [metric], draw(len(theirs.y_true), RESAMPLES))[metric]
    found = interval(points([theirs], metric), resampled, np.random.default_rng(0), bounds(metric))
    difference = np.abs(predictions.test_logits - run.predictions.test_logits).max()
    return Rescored(metric, float(points([mine], metric)[0]), found.value, found.low, found.high, float(difference))


def _scored(task: Task, run: Run) -> Scored:
    seed = run.info.recipe.seed
    return Entry(task, run.info.encoder, "", {seed: run}).scored(task.rule)[seed]


def _info(run: RunInfo, classifier: OnnxClassifier, texts: list[str], per_second: float) -> RunInfo:
    """Return the run's facts with those that an export changes: what was trained stays as it was."""
    changes = {
        "id": hashlib.sha256(f"{run.id} onnxruntime".encode()).hexdigest()[:12],
        "runtime": "onnxruntime",
        "inference_examples_per_second": per_second,
        "peak_memory_mib": peak_memory_mib(),
        "latency": measure_latency(
            classifier.predict_logits,
            texts,
            most=max((latency.length for latency in run.latency), default=0),  # what the run could measure
        ),
        "hardware": {"processor": processor(), "precision": "fp32", "threads": threads()},
        "versions": library_versions() | {"onnxruntime": version("onnxruntime")},
        "commit": commit(),
    }
    return run.model_copy(update=changes)
